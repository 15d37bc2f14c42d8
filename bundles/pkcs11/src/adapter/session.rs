//! The resource `session`.

use std::rc::Rc;

use zeroize::Zeroizing;

use super::{Answer, SessionResource, borrowed, mechanism, object, template};
use crate::ck::{Feed, Finish, Keyed, Result, Transform, User};
use crate::exports::pkcs11::host::sessions::{
    GuestSession, KeyPair, Object, ObjectBorrow, PinSource, Session, SessionInfo, SessionMode,
    UserType,
};
use crate::exports::pkcs11::host::types::{Attribute, Mechanism};
use crate::host::host;
use crate::{ck, convert};

impl SessionResource {
    /// Begin an operation with a key. `function` is the name of what begins it.
    fn begin(
        &self,
        what: Keyed,
        function: &'static str,
        given: Mechanism,
        key: &ObjectBorrow<'_>,
    ) -> Result<()> {
        let mechanism = mechanism(&self.host, function, given)?;
        self.session.begin(what, mechanism, borrowed(key))
    }

    fn begin_digest(&self, given: Mechanism) -> Result<()> {
        self.session.begin_digest(mechanism(&self.host, "C_DigestInit", given)?)
    }

    fn transform(&self, what: Transform, data: &[u8]) -> Answer<Vec<u8>> {
        Ok(self.session.transform(what, data)?)
    }

    fn feed(&self, what: Feed, data: &[u8]) -> Answer<()> {
        Ok(self.session.feed(what, data)?)
    }

    fn finish(&self, what: Finish) -> Answer<Vec<u8>> {
        Ok(self.session.finish(what)?)
    }

    fn object(&self, made: ck::Object) -> Object {
        object(&self.host, made)
    }
}

impl GuestSession for SessionResource {
    fn open(slot: u64, mode: SessionMode) -> Answer<Session> {
        const NAME: &str = "C_OpenSession";
        let host = host(NAME)?;
        let read_write = mode == SessionMode::ReadWrite;
        host.policy.slot(NAME, &host.module, slot)?;
        host.policy.session(NAME, read_write)?;
        let session = ck::Session::open(&host.module, slot, read_write)?;
        Ok(Session::new(Self { host: Rc::clone(&host), session }))
    }

    fn close(&self) -> Answer<()> {
        Ok(self.session.close()?)
    }

    fn info(&self) -> Answer<SessionInfo> {
        Ok(convert::session_info(&self.session.info()?))
    }

    fn login(&self, user: UserType, pin: PinSource) -> Answer<()> {
        let user = match user {
            UserType::So => User::SecurityOfficer,
            UserType::User => User::User,
            UserType::ContextSpecific => User::ContextSpecific,
        };
        match pin {
            PinSource::Configured => {
                self.host.pins.login(&self.host.module, &self.session, user)?;
            }
            PinSource::Given(pin) => {
                let pin = Zeroizing::new(pin);
                self.session.login(user, Some(&pin))?;
            }
            PinSource::Device => self.session.login(user, None)?,
        }
        Ok(())
    }

    fn logout(&self) -> Answer<()> {
        Ok(self.session.logout()?)
    }

    fn init_pin(&self, pin: Option<String>) -> Answer<()> {
        let pin = pin.map(Zeroizing::new);
        Ok(self.session.init_pin(pin.as_ref().map(|pin| pin.as_str()))?)
    }

    fn set_pin(&self, pins: Option<(String, String)>) -> Answer<()> {
        let pins = pins.map(|(old, new)| (Zeroizing::new(old), Zeroizing::new(new)));
        let pins = pins.as_ref().map(|(old, new)| (old.as_str(), new.as_str()));
        Ok(self.session.set_pin(pins)?)
    }

    fn get_operation_state(&self) -> Answer<Vec<u8>> {
        Ok(self.session.operation_state()?)
    }

    fn set_operation_state(
        &self,
        state: Vec<u8>,
        encryption_key: Option<ObjectBorrow<'_>>,
        authentication_key: Option<ObjectBorrow<'_>>,
    ) -> Answer<()> {
        let encryption = encryption_key.as_ref().map(borrowed);
        let authentication = authentication_key.as_ref().map(borrowed);
        Ok(self.session.set_operation_state(&state, encryption, authentication)?)
    }

    fn find_objects(&self, given: Vec<Attribute>, limit: Option<u32>) -> Answer<Vec<Object>> {
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let found = self.session.find(template(&self.host, given), limit)?;
        Ok(found.into_iter().map(|found| self.object(found)).collect())
    }

    fn create_object(&self, given: Vec<Attribute>) -> Answer<Object> {
        let made = self.session.create(template(&self.host, given))?;
        Ok(self.object(made))
    }

    fn generate_key(&self, given: Mechanism, attributes: Vec<Attribute>) -> Answer<Object> {
        let mechanism = mechanism(&self.host, "C_GenerateKey", given)?;
        let made = self.session.generate_key(mechanism, template(&self.host, attributes))?;
        Ok(self.object(made))
    }

    fn generate_key_pair(
        &self,
        given: Mechanism,
        public_template: Vec<Attribute>,
        private_template: Vec<Attribute>,
    ) -> Answer<KeyPair> {
        let mechanism = mechanism(&self.host, "C_GenerateKeyPair", given)?;
        let public = template(&self.host, public_template);
        let private = template(&self.host, private_template);
        let (public, private) = self.session.generate_key_pair(mechanism, public, private)?;
        Ok(KeyPair { public_key: self.object(public), private_key: self.object(private) })
    }

    fn wrap_key(
        &self,
        given: Mechanism,
        wrapping_key: ObjectBorrow<'_>,
        key: ObjectBorrow<'_>,
    ) -> Answer<Vec<u8>> {
        let mechanism = mechanism(&self.host, "C_WrapKey", given)?;
        Ok(self.session.wrap(mechanism, borrowed(&wrapping_key), borrowed(&key))?)
    }

    fn unwrap_key(
        &self,
        given: Mechanism,
        unwrapping_key: ObjectBorrow<'_>,
        wrapped_key: Vec<u8>,
        attributes: Vec<Attribute>,
    ) -> Answer<Object> {
        let mechanism = mechanism(&self.host, "C_UnwrapKey", given)?;
        let attributes = template(&self.host, attributes);
        let with = borrowed(&unwrapping_key);
        let made = self.session.unwrap(mechanism, with, &wrapped_key, attributes)?;
        Ok(self.object(made))
    }

    fn derive_key(
        &self,
        given: Mechanism,
        base_key: ObjectBorrow<'_>,
        attributes: Vec<Attribute>,
    ) -> Answer<Object> {
        let mechanism = mechanism(&self.host, "C_DeriveKey", given)?;
        let attributes = template(&self.host, attributes);
        let made = self.session.derive(mechanism, borrowed(&base_key), attributes)?;
        Ok(self.object(made))
    }

    fn generate_random(&self, length: u32) -> Answer<Vec<u8>> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(self.session.random(length)?)
    }

    fn seed_random(&self, seed: Vec<u8>) -> Answer<()> {
        self.feed(Feed::SeedRandom, &seed)
    }

    fn sign(&self, given: Mechanism, key: ObjectBorrow<'_>, data: Vec<u8>) -> Answer<Vec<u8>> {
        self.begin(Keyed::Sign, "C_SignInit", given, &key)?;
        self.transform(Transform::Sign, &data)
    }

    fn sign_init(&self, given: Mechanism, key: ObjectBorrow<'_>) -> Answer<()> {
        Ok(self.begin(Keyed::Sign, "C_SignInit", given, &key)?)
    }

    fn sign_update(&self, part: Vec<u8>) -> Answer<()> {
        self.feed(Feed::Sign, &part)
    }

    fn sign_final(&self) -> Answer<Vec<u8>> {
        self.finish(Finish::Sign)
    }

    fn verify(
        &self,
        given: Mechanism,
        key: ObjectBorrow<'_>,
        data: Vec<u8>,
        signature: Vec<u8>,
    ) -> Answer<()> {
        self.begin(Keyed::Verify, "C_VerifyInit", given, &key)?;
        Ok(self.session.verify(&data, &signature)?)
    }

    fn verify_init(&self, given: Mechanism, key: ObjectBorrow<'_>) -> Answer<()> {
        Ok(self.begin(Keyed::Verify, "C_VerifyInit", given, &key)?)
    }

    fn verify_update(&self, part: Vec<u8>) -> Answer<()> {
        self.feed(Feed::Verify, &part)
    }

    fn verify_final(&self, signature: Vec<u8>) -> Answer<()> {
        self.feed(Feed::VerifyFinal, &signature)
    }

    fn sign_recover(
        &self,
        given: Mechanism,
        key: ObjectBorrow<'_>,
        data: Vec<u8>,
    ) -> Answer<Vec<u8>> {
        self.begin(Keyed::SignRecover, "C_SignRecoverInit", given, &key)?;
        self.transform(Transform::SignRecover, &data)
    }

    fn verify_recover(
        &self,
        given: Mechanism,
        key: ObjectBorrow<'_>,
        signature: Vec<u8>,
    ) -> Answer<Vec<u8>> {
        self.begin(Keyed::VerifyRecover, "C_VerifyRecoverInit", given, &key)?;
        self.transform(Transform::VerifyRecover, &signature)
    }

    fn encrypt(&self, given: Mechanism, key: ObjectBorrow<'_>, data: Vec<u8>) -> Answer<Vec<u8>> {
        self.begin(Keyed::Encrypt, "C_EncryptInit", given, &key)?;
        self.transform(Transform::Encrypt, &data)
    }

    fn encrypt_init(&self, given: Mechanism, key: ObjectBorrow<'_>) -> Answer<()> {
        Ok(self.begin(Keyed::Encrypt, "C_EncryptInit", given, &key)?)
    }

    fn encrypt_update(&self, part: Vec<u8>) -> Answer<Vec<u8>> {
        self.transform(Transform::EncryptUpdate, &part)
    }

    fn encrypt_final(&self) -> Answer<Vec<u8>> {
        self.finish(Finish::Encrypt)
    }

    fn decrypt(&self, given: Mechanism, key: ObjectBorrow<'_>, data: Vec<u8>) -> Answer<Vec<u8>> {
        self.begin(Keyed::Decrypt, "C_DecryptInit", given, &key)?;
        self.transform(Transform::Decrypt, &data)
    }

    fn decrypt_init(&self, given: Mechanism, key: ObjectBorrow<'_>) -> Answer<()> {
        Ok(self.begin(Keyed::Decrypt, "C_DecryptInit", given, &key)?)
    }

    fn decrypt_update(&self, part: Vec<u8>) -> Answer<Vec<u8>> {
        self.transform(Transform::DecryptUpdate, &part)
    }

    fn decrypt_final(&self) -> Answer<Vec<u8>> {
        self.finish(Finish::Decrypt)
    }

    fn digest(&self, given: Mechanism, data: Vec<u8>) -> Answer<Vec<u8>> {
        self.begin_digest(given)?;
        self.transform(Transform::Digest, &data)
    }

    fn digest_init(&self, given: Mechanism) -> Answer<()> {
        Ok(self.begin_digest(given)?)
    }

    fn digest_update(&self, part: Vec<u8>) -> Answer<()> {
        self.feed(Feed::Digest, &part)
    }

    fn digest_key(&self, key: ObjectBorrow<'_>) -> Answer<()> {
        Ok(self.session.digest_key(borrowed(&key))?)
    }

    fn digest_final(&self) -> Answer<Vec<u8>> {
        self.finish(Finish::Digest)
    }

    fn digest_encrypt_update(&self, part: Vec<u8>) -> Answer<Vec<u8>> {
        self.transform(Transform::DigestEncryptUpdate, &part)
    }

    fn decrypt_digest_update(&self, part: Vec<u8>) -> Answer<Vec<u8>> {
        self.transform(Transform::DecryptDigestUpdate, &part)
    }

    fn sign_encrypt_update(&self, part: Vec<u8>) -> Answer<Vec<u8>> {
        self.transform(Transform::SignEncryptUpdate, &part)
    }

    fn decrypt_verify_update(&self, part: Vec<u8>) -> Answer<Vec<u8>> {
        self.transform(Transform::DecryptVerifyUpdate, &part)
    }
}
