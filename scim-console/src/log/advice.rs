//! What to change after a refusal, mostly on the side of the identity provider.

use super::row::LoggedRequest;

/// What to do about a request that was refused; `None` if it was not.
pub(crate) fn advice(request: &LoggedRequest) -> Option<&'static str> {
    let LoggedRequest { status, scim_type, operation, resource_type, client, .. } = request;
    let (operation, scim_type) = (operation.as_str(), scim_type.as_str());
    let is_write = ["create", "replace", "patch"].contains(&operation);
    Some(match (status, scim_type) {
        (0..400, _) => return None,
        (400 | 401, _) if operation == "token" => {
            "The provider cannot get an access token. Compare the token URL, the client id and the secret on its side with \
             the page of the connection; a secret may have expired. The grant is client_credentials, and the values \
             belong into the body of a form or into an Authorization header of the scheme Basic."
        }
        (400, "invalidFilter") => {
            "The provider looks for a resource by an attribute or in a form that this service does not support. In its \
             attribute mapping, choose userName or externalId as the attribute that matches users, and displayName or \
             externalId for groups."
        }
        (400, "invalidPath") => {
            "The provider writes to an attribute that this service does not have. In its attribute mapping, delete the row \
             for this attribute, or correct its name as in /Schemas."
        }
        (400, "noTarget") => {
            "The provider changes an element of a list that is not there. Restart the provisioning of this person or \
             group, so that the provider reads its present state; if it fails again, map the attribute in another way."
        }
        (400, "mutability") => {
            "The provider writes an attribute that cannot be changed. In its attribute mapping, delete the row for this \
             attribute, or let it be written only when the resource is created."
        }
        (400, "invalidValue") if is_write => {
            "The value has another type or form than this service needs; the detail names the attribute. In the provider's \
             attribute mapping, change the expression for this attribute, or delete the row. If a required attribute is \
             missing, add it, or fill it for this person in the directory."
        }
        (400, "invalidSyntax") => {
            "The request is not what RFC 7644 describes; the detail says where. Check that the provider uses SCIM 2.0, \
             and not 1.1."
        }
        (400, "tooMany") => {
            "The query would find or compare too much. Let the provider look for one person at a time, or use a more \
             exact filter."
        }
        (401, _) => {
            "The credential is missing, wrong, expired or revoked. Create a new one on the page Connections, paste it on \
             the provider's side, and test the connection there."
        }
        (403, _) if request.detail.contains("from this address") => {
            "The address of the client is not among the networks that this service accepts (SCIM_ALLOWED_NETWORKS)."
        }
        (403, _) => {
            "The credential or the rules of the application do not allow this. If the credential can only read, create one \
             that can write; otherwise the detail names the rule."
        }
        (404, _) if operation == "unknown path" || operation == "invalid" => {
            "There is nothing at this URL. Compare the URL on the provider's side with the base URL on the page \
             Connections; it has no other path behind it."
        }
        (404, _) if is_write && resource_type == "Group" => {
            "The group, or a member, does not exist here any more. Restart the provisioning of the group on the \
             provider's side."
        }
        (404, _) => {
            "The provider remembers a resource that was deleted here. Remove the assignment on the provider's side and \
             assign it again, or restart provisioning (Entra ID: Restart provisioning), so that the provider creates it \
             anew."
        }
        (405, _) => {
            "The provider uses a method that this resource does not have. Switch the operation off on its side."
        }
        (409, _) => {
            "Another resource has this userName, or this name of a group. Let the provider match users by userName, so \
             that it finds the existing user and links to it; or rename or delete one of the two."
        }
        (408, _) => {
            "The body of the request did not arrive in time. Look at the network between the provider and this service."
        }
        (412, _) => {
            "Somebody else has changed the resource since the provider read it. The provider reads it again and repeats \
             the change; if it does not, restart the provisioning of this resource."
        }
        (413, _) => {
            "The request is larger than this service accepts. Let the provider send smaller ones: fewer members of a \
             group at once, or no bulk."
        }
        (415, _) => "The body is not JSON. Let the provider send the media type application/scim+json.",
        (429, _) if client.is_empty() => {
            "Too many requests with a wrong credential came from this address. Create a new one on the page Connections, \
             paste it on the provider's side, and test the connection there."
        }
        (429, _) => {
            "The provider sends more requests than are allowed, and will try again later. If that lasts, raise SCIM_RATE, \
             or lower the rate on the provider's side."
        }
        (499, _) => {
            "The provider closed the connection before the answer. If that happens often, look for what makes answers slow."
        }
        (501, _) => {
            "This service does not support what the provider wants. Switch it off on the provider's side."
        }
        (500.., _) => {
            "The fault is on this side, and the provider will try again. The log of the host has the cause, at the id \
             of this request."
        }
        _ => {
            "The detail says what this service does not accept. Change the attribute mapping on the provider's side \
             accordingly."
        }
    })
}
