//! The resource `object`.

use super::{Answer, ObjectResource, object, template};
use crate::ck::Reading;
use crate::ck::sys::CKR_ATTRIBUTE_TYPE_INVALID;
use crate::exports::pkcs11::host::sessions::{GuestObject, Object};
use crate::exports::pkcs11::host::types::{Attribute, AttributeState, AttributeValue};
use crate::{ck, convert};

impl GuestObject for ObjectResource {
    fn raw_handle(&self) -> u64 {
        self.object.raw_handle()
    }

    fn get_attributes(&self, types: Vec<u64>) -> Answer<Vec<AttributeState>> {
        let policy = &self.host.policy;
        let asked: Vec<u64> = types.iter().copied().filter(|kind| !policy.hides(*kind)).collect();
        let mut readings = self.object.attributes(&asked)?.into_iter();
        let reading = |kind: &u64| match policy.hides(*kind) {
            true => Some(Reading::Absent),
            false => readings.next(),
        };
        Ok(types.iter().filter_map(reading).map(convert::reading).collect())
    }

    fn get_attribute(&self, type_: u64) -> Answer<AttributeValue> {
        if self.host.policy.hides(type_) {
            let why = "the operator hides this attribute (no-allowed-mechanisms)";
            let name = "C_GetAttributeValue";
            return Err(ck::Error::bundle(name, CKR_ATTRIBUTE_TYPE_INVALID, why).into());
        }
        Ok(convert::value(self.object.attribute(type_)?))
    }

    fn set_attributes(&self, given: Vec<Attribute>) -> Answer<()> {
        Ok(self.object.set_attributes(template(&self.host, given))?)
    }

    fn copy(&self, given: Vec<Attribute>) -> Answer<Object> {
        let copy = self.object.copy(template(&self.host, given))?;
        Ok(object(&self.host, copy))
    }

    fn destroy(&self) -> Answer<()> {
        Ok(self.object.destroy()?)
    }

    fn size(&self) -> Answer<Option<u64>> {
        Ok(self.object.size()?)
    }
}
