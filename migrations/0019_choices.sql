-- Whether the owner alone names it, changes its picture, adds people and makes invites.
alter table conversations add column owner_manages boolean not null default false;
