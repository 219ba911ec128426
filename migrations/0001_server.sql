-- One row: what belongs to this database as a whole.
create table server (
  id bigint primary key check (id = 1),
  history_id text not null,
  created_at bigint not null
);
