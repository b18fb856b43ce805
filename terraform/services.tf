# The interfaces that are switched on.  They stay on after `terraform destroy`: other things in the
# project may use them, and an enabled interface that nobody calls costs nothing.

locals {
  services = toset(concat(
    [
      "artifactregistry.googleapis.com",
      "cloudbuild.googleapis.com",
      "cloudfunctions.googleapis.com",
      "cloudresourcemanager.googleapis.com", # terraform itself asks it; see docs/operations.md
      "cloudscheduler.googleapis.com",
      "iam.googleapis.com",
      "iamcredentials.googleapis.com", # signs addresses, and takes the uploader's place
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "pubsub.googleapis.com",
      "run.googleapis.com",
      "storage.googleapis.com",
    ],
    local.uses_vertex ? ["aiplatform.googleapis.com"] : [],
    length(local.secrets) > 0 ? ["secretmanager.googleapis.com"] : [],
    var.kms_key == null ? [] : ["cloudkms.googleapis.com"],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
    var.gateway == null ? [] : ["compute.googleapis.com", "iap.googleapis.com"],
  ))
}

resource "google_project_service" "this" {
  for_each           = local.services
  service            = each.value
  disable_on_destroy = false
}
