-- A session may work in a worktree that Kerf made of the user's folder: that folder, by its canonical path.
alter table session add column worktree_of text;
create index session_task on session (task_id);

-- The worktrees that Kerf made, and what is archived of them. Its row is there before anything of a worktree is, and git
-- is asked what became of those that were not made or removed to the end. No reference to the session: an archive outlives it.
create table worktree (
    id text not null primary key,
    project_id text not null references project (id),
    session_id text not null,
    folder text not null, -- the working tree that it was made of, canonical
    path text not null unique,
    branch text, -- follows its commits
    state text not null, -- creating, ready, removing or archived
    head text, -- the commit that it began at
    base text, -- the commit that holds what it began with
    notes text not null, -- JSON: what was not brought, and why
    made_at integer not null,
    removed_at integer
) strict;
create index worktree_session on worktree (session_id);

pragma user_version = 8;
