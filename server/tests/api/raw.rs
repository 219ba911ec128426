//! Calls as bare bytes, and answers as they are: for what the client library would never send, and what it hides.

use std::net::SocketAddr;

use prost::{
    Message,
    bytes::{Buf, BufMut},
};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::{Channel, Endpoint},
};

/// One connection to a server.
#[derive(Clone, Debug)]
pub struct Raw(Channel);

impl Raw {
    pub fn new(address: SocketAddr) -> Self {
        Self(Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy())
    }

    /// Calls a method of rookery.v1 (`UserService/GetUser`) and answers the bytes of the (first) answer.
    pub async fn call(&self, token: Option<&str>, method: &str, body: Vec<u8>) -> Result<Vec<u8>, Status> {
        self.call_from("", token, method, body).await
    }

    /// The same by way of a proxy that says who calls.
    pub async fn call_from(
        &self,
        address: &str,
        token: Option<&str>,
        method: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Status> {
        let mut client = Grpc::new(self.0.clone());
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(body);
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        if !address.is_empty() {
            request.metadata_mut().insert("x-forwarded-for", address.parse().unwrap());
        }
        let path = format!("/rookery.v1.{method}").parse().unwrap();
        let mut answers = client.server_streaming(request, path, Bare).await?.into_inner();
        Ok(answers.message().await?.unwrap_or_default())
    }

    /// The same with a message.
    pub async fn send(&self, token: Option<&str>, method: &str, message: &impl Message) -> Result<Vec<u8>, Status> {
        self.call(token, method, message.encode_to_vec()).await
    }
}

/// Every method of the protocol.
pub fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(rookery_api::DESCRIPTORS).unwrap();
    let methods: Vec<_> = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    assert!(methods.len() > 30);
    methods
}

/// `UserService/GetUser`.
pub fn name_of(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().name(), method.name())
}

/// The reason in an error's one ErrorInfo; there must be exactly one, of ours.
#[track_caller]
pub fn reason(status: &Status) -> String {
    let details =
        tonic_types::pb::Status::decode(status.details()).unwrap_or_else(|_| panic!("no details: {status:?}"));
    assert_eq!(details.code, i32::from(status.code()), "{status:?}");
    assert_eq!(details.message, status.message());
    let infos: Vec<_> =
        details.details.iter().filter(|any| any.type_url == "type.googleapis.com/google.rpc.ErrorInfo").collect();
    assert_eq!(infos.len(), 1, "{status:?}");
    let info = tonic_types::pb::ErrorInfo::decode(&infos[0].value[..]).unwrap();
    assert_eq!(info.domain, "rookery");
    info.reason
}

/// All that a caller can see of an error.
pub fn seen(status: &Status) -> (Code, String, String) {
    (status.code(), status.message().to_owned(), status.details().escape_ascii().to_string())
}

/// Bytes in, bytes out.
#[derive(Clone, Copy, Debug)]
struct Bare;

impl Codec for Bare {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Bare {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bare {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}
