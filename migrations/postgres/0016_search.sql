-- What messages are found by: grams of their words and marks like conv7, see server/src/domain/search/gram.rs.
create table search (
  -- Of messages.
  seq bigint primary key,
  grams text[] collate "C" not null
);
create index search_grams on search using gin (grams) with (fastupdate = on, gin_pending_list_limit = 1024);
-- Up to which of a conversation's changes the index is. What is above it (messages.changed) is still to be indexed; no row: all.
create table search_positions (
  conversation_id bigint primary key,
  position bigint not null
);
-- The lowest and the highest seq of the messages of a day (days of UTC since 1970).
create table search_days (
  day bigint primary key,
  first_seq bigint not null,
  last_seq bigint not null
);
