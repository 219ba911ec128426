-- Grows with every change of a profile, so that of two copies of it anybody can tell the newer one.
alter table users add column revision bigint not null default 0;
