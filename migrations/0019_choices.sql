-- Whether the owner alone names it, changes its picture, adds people and makes invites.
alter table conversations add column owner_manages boolean not null default false;
-- When the chosen status ends; 0: it stays.
alter table users add column status_kind_expires_at bigint not null default 0;
