-- What the login name looks like (UTS 39): no two are the same. '' until the server has worked it out.
alter table users add column skeleton text not null default '';
create unique index users_skeleton on users (skeleton) where skeleton <> '';
