create table users (
  id integer primary key,
  name text not null,
  -- The name folded for comparison.
  name_key text not null unique,
  display_name text not null,
  -- Name and display name folded, a blank before each word: for filters by the beginning of a word.
  search_key text not null,
  about text not null default '',
  password_hash text not null,
  created_at bigint not null,
  -- The user's own counter: numbers the events of her user scope.
  position bigint not null default 0,
  last_seen_at bigint
);
