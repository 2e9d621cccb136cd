-- The commit that was checked out in the user's folder when the review of a session last looked: what another one holds
-- beyond it was committed meanwhile.
create table review_head (
    session_id text not null primary key references session (id) on delete cascade,
    head text not null
) strict, without rowid;

-- The review of a file as it was before an edit that was not the agent's took hunks of it off the disk: a stash, another
-- branch, an undo in an editor. With its lines back, it is taken up again.
create table review_aside (
    session_id text not null references session (id) on delete cascade,
    path text not null,
    origin text not null, -- JSON
    proposed text not null, -- JSON
    marks text not null, -- JSON
    primary key (session_id, path)
) strict, without rowid;

-- The lines around those that are commented, by which their place is found again.
alter table comment add column around text; -- JSON

pragma user_version = 10;
