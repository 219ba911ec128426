alter table users add column status_text text not null default '';
-- 0: it stays.
alter table users add column status_expires_at bigint not null default 0;
alter table users add column hide_last_seen boolean not null default false;
