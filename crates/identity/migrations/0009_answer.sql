-- Who answers for a link: what they lose, the link loses. Absent: it was made before this was
-- kept, and lets nobody in.
ALTER TABLE identity_invitation ADD COLUMN made_by TEXT;
ALTER TABLE identity_password_link ADD COLUMN made_by TEXT;
-- Of a session that an identity provider began: what those may who answer for that provider, as a
-- JSON list. It lets in nobody who may more. Absent: it was begun before this was kept, and goes
-- on to its own end.
ALTER TABLE identity_session ADD COLUMN vouched TEXT;
