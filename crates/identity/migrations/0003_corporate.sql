-- How a session was begun: password, passkey, saml, oidc or support.
ALTER TABLE identity_session ADD COLUMN method TEXT NOT NULL DEFAULT 'password';
ALTER TABLE identity_session ADD COLUMN factor_at BIGINT;      -- when a second factor was last shown in it
ALTER TABLE identity_session ADD COLUMN connection TEXT;       -- the identity provider's, by its connection
ALTER TABLE identity_session ADD COLUMN subject TEXT;          -- whom that provider means
ALTER TABLE identity_session ADD COLUMN session_index TEXT;    -- and which session of its own
CREATE INDEX identity_session_connection ON identity_session (org_id, connection, subject);

-- Since when only identity providers let members in; and who gets in when those fail.
ALTER TABLE identity_org ADD COLUMN sso_enforced_at BIGINT;
ALTER TABLE identity_member ADD COLUMN break_glass_at BIGINT;
