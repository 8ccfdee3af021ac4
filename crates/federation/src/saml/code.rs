//! The stable name of each [`Refusal`].

use super::refusal::{Encryption, Metadata, Refusal, Signature, Status, Xml};

impl Refusal {
    /// Its stable name, for the record.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotBase64 => "not_base64",
            Self::NotCompressed => "not_compressed",
            Self::Query => "query_invalid",
            Self::Xml(xml) => xml.code(),
            Self::WrongMessage => "wrong_message",
            Self::Missing(_) => "part_missing",
            Self::Repeated(_) => "part_repeated",
            Self::Invalid(_) => "part_invalid",
            Self::Unknown => "part_unknown",
            Self::Version => "version_unknown",
            Self::Status(status) => status.code(),
            Self::Destination => "destination_wrong",
            Self::Issuer => "issuer_wrong",
            Self::InResponseTo => "in_response_to_wrong",
            Self::Unsolicited => "unsolicited",
            Self::Assertions => "assertion_not_one",
            Self::AssertionMisplaced => "assertion_misplaced",
            Self::Signature(signature) => signature.code(),
            Self::CertificateExpired => "certificate_expired",
            Self::Encryption(encryption) => encryption.code(),
            Self::EncryptedPart => "part_encrypted",
            Self::Confirmation => "confirmation_missing",
            Self::Recipient => "recipient_wrong",
            Self::ConfirmationExpired => "confirmation_expired",
            Self::Condition => "condition_unknown",
            Self::Audience => "audience_wrong",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::IssuedInFuture => "issued_in_future",
            Self::IssuedLongAgo => "issued_long_ago",
            Self::SessionOver => "session_over",
            Self::AuthnContext => "authn_context_wrong",
            Self::TooManyValues => "values_too_many",
            Self::Metadata(metadata) => metadata.code(),
            Self::Key => "key_unusable",
            Self::Unreachable => "address_missing",
        }
    }
}

impl Xml {
    /// Its stable name, for the record.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "xml_malformed",
            Self::Encoding => "xml_encoding",
            Self::Doctype => "xml_doctype",
            Self::Instruction => "xml_instruction",
            Self::Entity => "xml_entity",
            Self::Cdata => "xml_cdata",
            Self::Comment => "xml_comment",
            Self::Depth => "xml_too_deep",
            Self::Nodes => "xml_too_many_elements",
            Self::Attributes => "xml_too_many_attributes",
            Self::DuplicateId => "xml_duplicate_id",
        }
    }
}

impl Signature {
    /// Its stable name, for the record.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::AssertionUnsigned => "signature_of_assertion_missing",
            Self::Misplaced => "signature_misplaced",
            Self::Several => "signature_repeated",
            Self::Malformed => "signature_malformed",
            Self::References => "signature_references",
            Self::Elsewhere => "signature_of_another",
            Self::Transform => "signature_transform",
            Self::Canonicalization => "signature_canonicalization",
            Self::Algorithm => "signature_algorithm",
            Self::Weak => "signature_weak",
            Self::Digest => "signature_digest",
            Self::Invalid => "signature_invalid",
        }
    }
}

impl Encryption {
    /// Its stable name, for the record.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "encryption_malformed",
            Self::Cipher => "encryption_cipher",
            Self::CbcUnsigned => "encryption_cbc_unsigned",
            Self::KeyTransport => "encryption_key_transport",
            Self::KeyTransportMixed => "encryption_key_transport_mixed",
            Self::KeyMissing => "encryption_key_missing",
            Self::KeySeveral => "encryption_key_repeated",
            Self::Failed => "decryption_failed",
            Self::NotAnAssertion => "decrypted_no_assertion",
        }
    }
}

impl Metadata {
    /// Its stable name, for the record.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotMetadata => "metadata_invalid",
            Self::NoProvider => "metadata_no_provider",
            Self::Several => "metadata_several",
            Self::NotThere => "metadata_entity_missing",
            Self::EntityId => "metadata_entity_id",
            Self::NoCertificate => "metadata_no_certificate",
            Self::Certificate => "certificate_invalid",
            Self::WeakKey => "certificate_weak",
            Self::UnknownKey => "certificate_key_unknown",
            Self::TooManyCertificates => "metadata_certificates_too_many",
            Self::NoService => "metadata_no_service",
            Self::Address => "metadata_address",
            Self::Expired => "metadata_expired",
        }
    }
}

impl Status {
    /// Its stable name, for the record.
    pub fn code(self) -> &'static str {
        match self {
            Self::AuthnFailed => "status_authn_failed",
            Self::NoPassive => "status_no_passive",
            Self::NoAuthnContext => "status_no_authn_context",
            Self::InvalidNameIdPolicy => "status_invalid_name_id_policy",
            Self::RequestDenied => "status_request_denied",
            Self::UnknownPrincipal => "status_unknown_principal",
            Self::Requester => "status_requester",
            Self::Responder => "status_responder",
            Self::Other => "status_other",
        }
    }

    /// What a status code of SAML says.
    pub(crate) fn of(uri: &str) -> Self {
        match uri.strip_prefix("urn:oasis:names:tc:SAML:2.0:status:") {
            Some("AuthnFailed") => Self::AuthnFailed,
            Some("NoPassive") => Self::NoPassive,
            Some("NoAuthnContext") => Self::NoAuthnContext,
            Some("InvalidNameIDPolicy") => Self::InvalidNameIdPolicy,
            Some("RequestDenied") => Self::RequestDenied,
            Some("UnknownPrincipal") => Self::UnknownPrincipal,
            Some("Requester") => Self::Requester,
            Some("Responder") => Self::Responder,
            _ => Self::Other,
        }
    }
}
