-- The map of the repository that a session began with: the model gets the same bytes again when the session goes on.
create table session_map (
    session_id text not null primary key references session (id) on delete cascade,
    map text not null -- JSON of the agent's
) strict;

pragma user_version = 6;
