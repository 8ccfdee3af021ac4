-- A JSON list: what whoever made the token might then. They answer for what is done with it. Of tokens
-- that were made before this was known nobody does.
ALTER TABLE scim_token ADD COLUMN vouched TEXT NOT NULL DEFAULT '[]';
