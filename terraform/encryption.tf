# With a customer-managed key: Google's own agents that store things here may use it, nobody else.

locals {
  key_users = var.kms_key == null ? {} : {
    artifacts = "serviceAccount:service-${local.number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
    functions = "serviceAccount:service-${local.number}@gcf-admin-robot.iam.gserviceaccount.com"
    pubsub    = "serviceAccount:service-${local.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    run       = "serviceAccount:service-${local.number}@serverless-robot-prod.iam.gserviceaccount.com"
    storage   = data.google_storage_project_service_account.this.member
  }
}

resource "google_kms_crypto_key_iam_member" "agent" {
  for_each      = local.key_users
  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = each.value
  depends_on    = [google_project_service.this]
}
