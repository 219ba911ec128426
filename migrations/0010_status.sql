-- How the user wants to be seen: StatusKind of the protocol.
alter table users add column status bigint not null default 1;
