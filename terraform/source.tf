# The code: one zip for all functions, named by its content.  The same content is the same object, so
# an apply without a change builds nothing; earlier zips stay, so that `release` can go back to them.

locals {
  zip_hash = filesha256(var.package)
  zip_name = "functions/${coalesce(var.release, local.zip_hash)}.zip"
}

resource "google_storage_bucket_object" "zip" {
  name            = "functions/${local.zip_hash}.zip"
  bucket          = google_storage_bucket.this["source"].name
  source          = var.package
  content_type    = "application/zip"
  deletion_policy = "ABANDON" # the next release's apply leaves this one where it is
}

# Images are built by an account of their own into a repository of their own.
resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images that Cloud Build makes of the functions' zip."
  kms_key_name  = var.kms_key
  labels        = local.labels

  cleanup_policies {
    id     = "keep-latest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "${30 * local.day}s"
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agent]
}

resource "google_service_account" "build" {
  account_id   = "${var.name}-build"
  display_name = "Builds the functions' images"
  depends_on   = [google_project_service.this]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

resource "google_project_iam_member" "build_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

# Cloud Functions copies the zip into a bucket of its own before it is built.  That bucket is made
# with the first function, so the right to read it has to be given by name, and only by its name.
resource "google_project_iam_member" "build_source" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title       = "Only the copies of zips"
    description = "Cloud Functions' own bucket of sources, and no picture."
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${local.number}-${var.region}\")"
  }
}
