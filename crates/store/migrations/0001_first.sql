-- The first schema. Ids are UUIDs as text; times are milliseconds since the Unix epoch; JSON is marked as such.
-- `user_version` is the newest migration's number, so that opening needs one look. `application_id` is "KERF".

create table project (
    id text not null primary key,
    path text not null unique,
    name text not null,
    opened_at integer not null
) strict;

create table session (
    number integer primary key,
    id text not null unique,
    task_id text not null,
    project_id text not null references project (id),
    folder text not null,
    title text not null,
    endpoint text not null, -- JSON
    policy text not null, -- JSON
    state text not null,
    archived integer not null,
    created_at integer not null,
    updated_at integer not null,
    -- Lists are in this order: clocks jump, this number only grows.
    touched integer not null,
    input_tokens integer not null,
    cached_input_tokens integer not null,
    cache_write_tokens integer not null,
    output_tokens integer not null,
    reasoning_tokens integer not null,
    estimated integer not null
) strict;
create index session_touched on session (touched);
create index session_project on session (project_id);

create table turn (
    ordinal integer primary key,
    id text not null unique,
    session_id text not null references session (id) on delete cascade,
    state text not null,
    created_at integer not null,
    usage text not null -- JSON
) strict;
create index turn_session on turn (session_id);

create table item (
    ordinal integer primary key,
    id text not null unique,
    turn_id text not null references turn (id) on delete cascade,
    seq integer not null,
    created_at integer not null,
    status text not null,
    type text not null generated always as (body ->> '$.type') virtual,
    body text not null -- JSON of the whole item, so that a new field needs no new column
) strict;
create index item_turn on item (turn_id, seq);

-- What can be searched: an item's words under its ordinal, a session's title under its number with a minus.
create virtual table words using fts5 (text, tokenize = 'unicode61 remove_diacritics 2');

create trigger item_deleted after delete on item begin
    delete from words where rowid = old.ordinal;
end;
create trigger session_inserted after insert on session begin
    insert into words (rowid, text) values (-new.number, replace(replace(new.title, char(57344), ' '), char(57345), ' '));
end;
create trigger session_renamed after update of title on session when old.title <> new.title begin
    update words set text = replace(replace(new.title, char(57344), ' '), char(57345), ' ') where rowid = -new.number;
end;
create trigger session_deleted after delete on session begin
    delete from words where rowid = -old.number;
end;

create table owner (
    session_id text not null primary key references session (id) on delete cascade,
    pid integer not null,
    token text not null
) strict, without rowid;

create table review_file (
    session_id text not null references session (id) on delete cascade,
    path text not null,
    origin text not null, -- JSON
    proposed text not null, -- JSON
    marks text not null, -- JSON
    primary key (session_id, path)
) strict, without rowid;

create table decision (
    id integer primary key autoincrement,
    session_id text not null references session (id) on delete cascade,
    created_at integer not null,
    payload text not null -- JSON
) strict;
create index decision_session on decision (session_id);

create table comment (
    id integer primary key,
    session_id text not null references session (id) on delete cascade,
    body text not null -- JSON
) strict;
create index comment_session on comment (session_id);

-- No reference to the session: the ledger outlives what it tells of. Rows are only ever added.
create table ledger (
    id integer primary key,
    at integer not null,
    host text not null,
    target text not null,
    purpose text not null,
    session_id text,
    turn_id text,
    bytes integer not null,
    hash text not null,
    files text not null, -- JSON
    prev_hash blob not null,
    row_hash blob not null,
    base integer references ledger (id), -- the row whose body the packed body leans on
    body blob not null -- zstd
) strict;
create index ledger_session on ledger (session_id);

pragma application_id = 1262834246;
pragma user_version = 1;
