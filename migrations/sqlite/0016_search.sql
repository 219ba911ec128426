-- What messages are found by: grams of their words and marks like conv7, see server/src/domain/search/gram.rs. A row's id is
-- messages.seq. It holds no text and no places, only who has what.
create virtual table search using fts5(grams, content='', contentless_delete=1, tokenize='ascii', detail=none);
-- Up to which of a conversation's changes the index is. What is above it (messages.changed) is still to be indexed; no row: all.
create table search_positions (
  conversation_id integer primary key,
  position bigint not null
);
-- The lowest and the highest seq of the messages of a day (days of UTC since 1970).
create table search_days (
  day integer primary key,
  first_seq bigint not null,
  last_seq bigint not null
);
