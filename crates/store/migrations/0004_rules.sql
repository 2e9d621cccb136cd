-- The user's rules for a folder, and the user's trust in what a folder brings. Both are of the folder by its canonical
-- path, not of the project's row: a folder that is opened under another name, a folder beneath it and another worktree
-- of the same repository have none of it.

create table rule (
    id integer primary key autoincrement, -- never given again: an old number revokes nothing new
    folder text not null,
    verdict text not null, -- allow, ask or deny
    text text not null,
    made_at integer not null,
    unique (folder, verdict, text)
) strict;

create table trust (
    folder text not null,
    kind text not null,
    name text not null,
    hash text not null, -- BLAKE3 of the bytes that were shown, in hexadecimal
    made_at integer not null,
    primary key (folder, kind, name)
) strict, without rowid;

pragma user_version = 4;
