# One account a function, and each has only what its line in functions.tf says it needs.

locals {
  # What a need means in a bucket: reading is looking and listing too (a recipe that is not there must
  # be told apart from one that may not be seen), writing is creating, replacing and deleting.
  bucket_roles = {
    input  = "roles/storage.objectViewer" # never more: results must not come in again as inputs
    work   = "roles/storage.objectUser"
    output = "roles/storage.objectUser"
  }

  # Over HTTP results are told of and fetched; making them is for the doors bucket and clock.
  bucket_roles_of_callers = merge(local.bucket_roles, { output = "roles/storage.objectViewer" })

  bucket_grants = merge([
    for name, function in local.deployed : {
      for need in setintersection(function.needs, keys(local.bucket_roles)) :
      "${name} ${need}" => {
        function = name
        bucket   = need
        role     = contains(["http", "keys"], function.door) ? local.bucket_roles_of_callers[need] : local.bucket_roles[need]
      }
    }
  ]...)

  # Other people's buckets: named by the operator, read by whoever takes addresses of pictures.
  foreign_grants = merge([
    for name, function in local.deployed : {
      for bucket in var.allowed_buckets : "${name} ${bucket}" => { function = name, bucket = bucket }
      if contains(function.needs, "addresses")
    }
  ]...)

  uses_vertex = var.engine == "gemini" && var.gemini_api_key == null
}

resource "google_service_account" "function" {
  for_each     = local.deployed
  account_id   = local.function_names[each.key]
  display_name = "Runs ${each.key} of ${var.name}"
  depends_on   = [google_project_service.this]
}

resource "google_storage_bucket_iam_member" "function" {
  for_each = local.bucket_grants
  bucket   = google_storage_bucket.this[each.value.bucket].name
  role     = each.value.role
  member   = google_service_account.function[each.value.function].member
}

resource "google_storage_bucket_iam_member" "function_foreign" {
  for_each = local.foreign_grants
  bucket   = each.value.bucket
  role     = "roles/storage.objectViewer"
  member   = google_service_account.function[each.value.function].member
}

# --- people ---------------------------------------------------------------------------------------

resource "google_storage_bucket_iam_member" "uploaders" {
  for_each = var.uploaders
  bucket   = google_storage_bucket.this["input"].name
  role     = "roles/storage.objectUser"
  member   = each.value
}

resource "google_storage_bucket_iam_member" "readers" {
  for_each = var.readers
  bucket   = google_storage_bucket.this["output"].name
  role     = "roles/storage.objectViewer"
  member   = each.value
}

# --- bringing pictures, and fetching results ------------------------------------------------------

# Cloud Storage takes a signature for what its signer may do.  Addresses for fetching are signed by the
# function that may read what they lead to.
resource "google_project_iam_custom_role" "signs" {
  role_id     = "${replace(var.name, "-", "_")}_signs"
  title       = "Signs addresses (${var.name})"
  description = "Has IAM sign bytes as a service account, without taking tokens of it."
  permissions = ["iam.serviceAccounts.signBlob"]
  depends_on  = [google_project_service.this]
}

resource "google_service_account_iam_member" "signs" {
  for_each           = { for name, function in local.deployed : name => function if contains(function.needs, "signs") }
  service_account_id = google_service_account.function[each.key].name
  role               = google_project_iam_custom_role.signs.id
  member             = google_service_account.function[each.key].member
}

# What comes by HTTP and is worked on later goes into the input bucket as the uploader.  That is no
# function's account: it creates objects, and neither sees nor replaces any.  Only HTTP functions take
# its place; those that make results (bucket, clock) cannot, so that no result becomes an input.
resource "google_service_account" "uploader" {
  account_id   = "${var.name}-uploader"
  display_name = "Brings pictures that came by HTTP into the input bucket"
  depends_on   = [google_project_service.this]
}

resource "google_storage_bucket_iam_member" "uploader" {
  bucket = google_storage_bucket.this["input"].name
  role   = "roles/storage.objectCreator"
  member = google_service_account.uploader.member
}

resource "google_project_iam_custom_role" "uploads" {
  role_id     = "${replace(var.name, "-", "_")}_uploads"
  title       = "Brings pictures (${var.name})"
  description = "Takes the place of the uploader: its tokens and its signature."
  permissions = ["iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.signBlob"]
  depends_on  = [google_project_service.this]
}

resource "google_service_account_iam_member" "uploads" {
  for_each           = { for name, function in local.deployed : name => function if contains(function.needs, "uploads") }
  service_account_id = google_service_account.uploader.name
  role               = google_project_iam_custom_role.uploads.id
  member             = google_service_account.function[each.key].member
}

# --- Vertex AI ------------------------------------------------------------------------------------

# The predefined role that can ask a model (roles/aiplatform.user) can also rent machines and train.
resource "google_project_iam_custom_role" "asks_models" {
  count       = local.uses_vertex ? 1 : 0
  role_id     = "${replace(var.name, "-", "_")}_asks_models"
  title       = "Asks models (${var.name})"
  description = "Sends requests to models of Vertex AI, and nothing else."
  permissions = ["aiplatform.endpoints.predict"]
  depends_on  = [google_project_service.this]
}

resource "google_project_iam_member" "asks_models" {
  for_each = { for name, function in local.deployed : name => function if local.uses_vertex && contains(function.needs, "models") }
  project  = var.project_id
  role     = google_project_iam_custom_role.asks_models[0].id
  member   = google_service_account.function[each.key].member
}
