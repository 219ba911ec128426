create table sessions (
  id text primary key,
  user_id bigint not null,
  -- SHA-256 of the token; the token itself is never stored.
  token_hash text not null unique,
  device text not null,
  created_at bigint not null
);
create index sessions_user on sessions (user_id);
