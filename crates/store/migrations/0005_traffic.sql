-- What went through the connection of a command, once it has ended. Its row in the ledger was written before; that stays
-- as it was, so this is beside it and no part of the chain.
create table traffic (
    ledger_id integer primary key references ledger (id),
    up integer not null,
    down integer not null
) strict;

pragma user_version = 5;
