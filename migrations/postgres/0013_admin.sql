-- Who may make an account, chosen by an admin; '': what the configuration says.
alter table server add column registration text not null default '';
-- Raised when accounts or sessions were changed from outside (the command line): a running server looks at its sessions again.
alter table server add column revision bigint not null default 0;
create table registration_invites (
  code text primary key,
  -- 0: the operator.
  creator_id bigint not null,
  -- 0: any number.
  max_uses bigint not null,
  uses bigint not null default 0,
  expires_at bigint,
  created_at bigint not null
);
create table audit (
  id bigint generated always as identity primary key,
  at bigint not null,
  -- 0: the operator.
  actor_id bigint not null,
  -- AuditAction of the protocol.
  action bigint not null,
  subject_id bigint not null,
  detail text not null
);
create index users_admin on users (id) where admin;
create index audit_operator on audit (id) where actor_id = 0;
