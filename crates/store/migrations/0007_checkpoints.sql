-- What a folder held before turns, tool calls and restores. The list of the files, and what the review knew of them, are
-- in the blob store under these names.
create table checkpoint (
    id integer primary key autoincrement, -- never given again, and later ones are higher
    session_id text not null references session (id) on delete cascade,
    turn_id text, -- none: before a restore
    item_id text, -- the call; none: before the turn
    last_turn integer not null, -- the ordinal of the session's last turn at that time
    label text not null,
    note text not null, -- what is not in it, in plain words
    created_at integer not null,
    files integer not null,
    list text not null,
    review text not null
) strict;
create index checkpoint_session on checkpoint (session_id);

-- What Kerf did to a file, by a call, a decision or a restore, since the checkpoint before it. Contents by names that are
-- only compared; none: nothing was there.
create table file_change (
    id integer primary key,
    checkpoint_id integer not null references checkpoint (id) on delete cascade,
    path text not null,
    before text,
    after text
) strict;
create index file_change_checkpoint on file_change (checkpoint_id);

-- A restore that has begun and not ended. Whoever opens the session next goes on with it.
create table restoring (
    session_id text not null primary key references session (id) on delete cascade,
    checkpoint_id integer not null, -- what is restored
    undo_id integer not null, -- what was there before
    conversation integer not null,
    paths text not null -- JSON
) strict, without rowid;

-- Turns and items that a restore took out of the conversation. They stay, and count again when that restore is undone.
create table hidden (
    id integer primary key,
    session_id text not null references session (id) on delete cascade,
    turn_id text not null,
    item_id text, -- none: the whole turn
    since integer not null, -- the checkpoint before the restore that hid it
    until integer -- the checkpoint before the restore that brought it back; none: it is hidden
) strict;
create index hidden_session on hidden (session_id);
create index hidden_turn on hidden (turn_id);

pragma user_version = 7;
