// The protocol's types under one roof. Made from ../proto; see README.md there.

export * from "../gen/google/rpc/error_details_pb";
export * from "../gen/rookery/v1/account_pb";
export * from "../gen/rookery/v1/account_service_pb";
export * from "../gen/rookery/v1/admin_pb";
export * from "../gen/rookery/v1/admin_service_pb";
export * from "../gen/rookery/v1/conversation_pb";
export * from "../gen/rookery/v1/conversation_service_pb";
export * from "../gen/rookery/v1/error_pb";
export * from "../gen/rookery/v1/event_pb";
export * from "../gen/rookery/v1/event_service_pb";
export * from "../gen/rookery/v1/gif_pb";
export * from "../gen/rookery/v1/gif_service_pb";
export * from "../gen/rookery/v1/media_pb";
export * from "../gen/rookery/v1/message_pb";
export * from "../gen/rookery/v1/message_service_pb";
export * from "../gen/rookery/v1/server_pb";
export * from "../gen/rookery/v1/server_service_pb";
export * from "../gen/rookery/v1/user_pb";
export * from "../gen/rookery/v1/user_service_pb";
