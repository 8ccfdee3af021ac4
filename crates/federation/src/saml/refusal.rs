//! Why something was refused, by name.

/// The family of a [`Refusal`] that concerns XML itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Xml {
    /// It is not well-formed, or not namespace-well-formed.
    #[error("the XML is not well-formed")]
    Malformed,
    /// It declares an encoding other than UTF-8, or is not UTF-8.
    #[error("the XML is not UTF-8")]
    Encoding,
    /// It has a document type: the door to entities.
    #[error("the XML has a document type, which is never accepted")]
    Doctype,
    /// It has a processing instruction.
    #[error("the XML has a processing instruction, which is never accepted")]
    Instruction,
    /// It refers to an entity that is not one of the five of XML.
    #[error("the XML refers to an entity that it may not have")]
    Entity,
    /// It has a CDATA section.
    #[error("the XML has a CDATA section, which is never accepted")]
    Cdata,
    /// A comment stands inside a value.
    #[error("a comment stands inside a value")]
    Comment,
    /// It is nested too deeply.
    #[error("the XML is nested too deeply")]
    Depth,
    /// It has too many elements.
    #[error("the XML has too many elements")]
    Nodes,
    /// An element has too many attributes or namespaces.
    #[error("an element of the XML has too many attributes")]
    Attributes,
    /// Two elements share an id.
    #[error("two elements of the XML have the same ID")]
    DuplicateId,
}

/// The family of a [`Refusal`] that concerns a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Signature {
    /// Nothing that is needed is signed.
    #[error("it is not signed")]
    Missing,
    /// The assertion is not signed itself, and this connection wants that.
    #[error("the assertion is not signed itself, which this connection asks for")]
    AssertionUnsigned,
    /// A signature stands where SAML has none.
    #[error("a signature stands where none belongs")]
    Misplaced,
    /// An element has two.
    #[error("an element is signed twice")]
    Several,
    /// Its parts are not those of an XML signature.
    #[error("the signature does not have the parts of one")]
    Malformed,
    /// It has not exactly one reference.
    #[error("the signature does not have exactly one reference")]
    References,
    /// It refers to something else than the element that it stands in.
    #[error("the signature is about another element than the one it stands in")]
    Elsewhere,
    /// A transform other than enveloped-signature and exclusive canonicalization.
    #[error("the signature transforms what it signs in a way that SAML forbids")]
    Transform,
    /// A canonicalization other than exclusive.
    #[error("the signature uses another canonicalization than exclusive")]
    Canonicalization,
    /// An algorithm that is none, unknown, symmetric or broken.
    #[error("the signature's algorithm is not accepted")]
    Algorithm,
    /// SHA-1, on a connection that was not widened.
    #[error("the signature uses SHA-1, which this connection does not accept")]
    Weak,
    /// What is signed was altered.
    #[error("what is signed was altered")]
    Digest,
    /// No certificate of the metadata made it.
    #[error("the signature was not made by a certificate of the metadata")]
    Invalid,
}

/// The family of a [`Refusal`] that concerns encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Encryption {
    /// Its parts are not those of XML encryption.
    #[error("the encrypted part does not have the parts of one")]
    Malformed,
    /// A cipher that is not accepted.
    #[error("the encrypted part uses a cipher that is not accepted")]
    Cipher,
    /// AES-CBC, which proves nothing, without a signature around it.
    #[error(
        "AES-CBC is accepted only inside a signed response: sign the response, or encrypt with AES-GCM"
    )]
    CbcUnsigned,
    /// The key is wrapped in a way that is not accepted.
    #[error("the encryption key is wrapped in a way that is not accepted: use RSA-OAEP")]
    KeyTransport,
    /// The key is wrapped with two different hash functions.
    #[error("the encryption key is wrapped with two different hash functions: use one for both")]
    KeyTransportMixed,
    /// There is no wrapped key, or it stands elsewhere.
    #[error("the encrypted part has no key of its own")]
    KeyMissing,
    /// There are several wrapped keys.
    #[error("the encrypted part has several keys")]
    KeySeveral,
    /// It could not be decrypted.
    #[error("it could not be decrypted with our keys")]
    Failed,
    /// What was encrypted is not an assertion.
    #[error("what was encrypted is not one assertion")]
    NotAnAssertion,
}

/// The family of a [`Refusal`] that concerns metadata and certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Metadata {
    /// It is not metadata.
    #[error("this is not SAML metadata")]
    NotMetadata,
    /// No entity in it is an identity provider.
    #[error("the metadata describes no identity provider")]
    NoProvider,
    /// Several entities are, and none was chosen.
    #[error("the metadata describes several identity providers: say which one, by its entity ID")]
    Several,
    /// The wanted entity is not there.
    #[error("the metadata does not describe that entity ID")]
    NotThere,
    /// An entity ID is empty, too long or there twice.
    #[error("an entity ID in the metadata is empty, too long, or there twice")]
    EntityId,
    /// No certificate to verify signatures with.
    #[error("the metadata has no signing certificate that can be used")]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("a certificate cannot be read")]
    Certificate,
    /// A key is too short.
    #[error("a certificate's RSA key is shorter than 2048 bits")]
    WeakKey,
    /// A key is neither RSA nor an elliptic curve that we know.
    #[error("a certificate's key is neither RSA nor on P-256, P-384 or P-521")]
    UnknownKey,
    /// More certificates than are kept.
    #[error("the metadata has too many certificates")]
    TooManyCertificates,
    /// No single sign-on service by redirect or POST.
    #[error("the metadata has no sign-on address for redirect or POST")]
    NoService,
    /// An address is not one.
    #[error("an address in the metadata is not an http or https address")]
    Address,
    /// Its time is over.
    #[error("the metadata is valid no longer")]
    Expired,
}

/// What an identity provider answered instead of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Status {
    /// Authentication failed.
    #[error("authentication failed")]
    AuthnFailed,
    /// It cannot authenticate without asking the person.
    #[error("it could not authenticate without asking")]
    NoPassive,
    /// The person has no sufficient means of authentication.
    #[error("the wanted means of authentication is not available")]
    NoAuthnContext,
    /// The name identifier's format is not available.
    #[error("the wanted format of the name identifier is not available")]
    InvalidNameIdPolicy,
    /// It denied the request.
    #[error("the request was denied")]
    RequestDenied,
    /// It does not know the person.
    #[error("the person is unknown")]
    UnknownPrincipal,
    /// Our request was wrong.
    #[error("it found our request wrong")]
    Requester,
    /// It failed.
    #[error("it failed")]
    Responder,
    /// Anything else.
    #[error("another reason")]
    Other,
}

/// Why a message, metadata or a key was refused.
///
/// [`Refusal::code`] is stable and goes into the record; the text is for an administrator, and
/// has nothing of what a stranger sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Larger than is read.
    #[error("it is larger than is read")]
    TooLarge,
    /// Not base64.
    #[error("it is not base64")]
    NotBase64,
    /// Not compressed as the redirect binding wants it.
    #[error("it is not compressed as the redirect binding wants")]
    NotCompressed,
    /// The query of a redirect is not one SAML message.
    #[error("the address does not carry exactly one SAML message")]
    Query,
    /// See [`Xml`].
    #[error(transparent)]
    Xml(#[from] Xml),
    /// Another message than the one that belongs here.
    #[error("it is another message than the one that belongs here")]
    WrongMessage,
    /// A required part is absent: its name.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part is there more than once: its name.
    #[error("{0} is there more than once")]
    Repeated(&'static str),
    /// A part has a value that it cannot have: its name.
    #[error("{0} has a value that it cannot have")]
    Invalid(&'static str),
    /// A part that such a message does not have.
    #[error("it has a part that such a message does not have")]
    Unknown,
    /// Not SAML 2.0.
    #[error("it is not SAML 2.0")]
    Version,
    /// The identity provider said no.
    #[error("the identity provider refused: {0}")]
    Status(Status),
    /// Meant for another address.
    #[error("it was sent to another address (Destination)")]
    Destination,
    /// From another identity provider.
    #[error("it comes from another identity provider (Issuer)")]
    Issuer,
    /// An answer to another request, or to none.
    #[error("it does not answer the request that was sent (InResponseTo)")]
    InResponseTo,
    /// Nobody asked, and this connection does not accept that.
    #[error("nobody asked for it, and sign-in begun at the identity provider is off")]
    Unsolicited,
    /// Not exactly one assertion.
    #[error("it does not have exactly one assertion")]
    Assertions,
    /// An assertion stands where none belongs.
    #[error("an assertion stands where none belongs")]
    AssertionMisplaced,
    /// See [`Signature`].
    #[error(transparent)]
    Signature(#[from] Signature),
    /// No certificate of the identity provider is valid now.
    #[error("no certificate of the identity provider is valid now")]
    CertificateExpired,
    /// See [`Encryption`].
    #[error(transparent)]
    Encryption(#[from] Encryption),
    /// The name identifier is encrypted by itself.
    #[error("the name identifier or an attribute is encrypted by itself: encrypt the assertion")]
    EncryptedPart,
    /// No bearer confirmation.
    #[error("the subject is not confirmed as bearer")]
    Confirmation,
    /// The confirmation is for another address.
    #[error("the subject is confirmed for another address (Recipient)")]
    Recipient,
    /// The confirmation's time is over.
    #[error("the subject's confirmation has expired")]
    ConfirmationExpired,
    /// A condition that we do not know.
    #[error("it has a condition that is not known")]
    Condition,
    /// Meant for another service.
    #[error("it is meant for another service (Audience)")]
    Audience,
    /// Not valid yet.
    #[error("it is not valid yet: compare the clocks")]
    NotYetValid,
    /// Valid no longer.
    #[error("it has expired: compare the clocks")]
    Expired,
    /// Issued in the future.
    #[error("it was issued in the future: compare the clocks")]
    IssuedInFuture,
    /// Issued too long ago.
    #[error("it was issued too long ago")]
    IssuedLongAgo,
    /// The session at the identity provider is over.
    #[error("the session at the identity provider is over")]
    SessionOver,
    /// The means of authentication is not one of those asked for.
    #[error("the person was not authenticated by the means that was asked for")]
    AuthnContext,
    /// More attributes or values than are read.
    #[error("it has more attributes or values than are read")]
    TooManyValues,
    /// See [`Metadata`].
    #[error(transparent)]
    Metadata(#[from] Metadata),
    /// Our own key cannot be read or made.
    #[error("the service provider's key cannot be used")]
    Key,
    /// The identity provider has no address for this binding.
    #[error("the identity provider has no address for this")]
    Unreachable,
}
