-- A move that is being given up is a step of its own: from it nothing is fenced or switched.
ALTER TABLE regions_move DROP CONSTRAINT regions_move_step_check,
    ADD CONSTRAINT regions_move_step_check
        CHECK (step IN ('ordered', 'abandoning', 'copying', 'fenced', 'moved', 'done'));
