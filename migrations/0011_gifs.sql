create table gif_favorites (
  user_id bigint not null,
  gif_id text not null,
  added_at bigint not null,
  -- What is shown of it, as JSON: it can be listed while its provider is away.
  gif text not null,
  primary key (user_id, gif_id)
);
create index gif_favorites_added on gif_favorites (user_id, added_at, gif_id);
