# Who may deploy, and that nothing is applied that nobody approved.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project_id   = "shop-studio"
  package      = "tests/any.zip"
  page_package = "tests/any.zip"
}

run "triggers" {
  variables {
    delivery = {
      repository   = "projects/shop-studio/locations/us-central1/connections/github/repositories/studio"
      deployer     = "deployer@shop-studio.iam.gserviceaccount.com"
      state_bucket = "shop-state"
    }
  }

  assert {
    condition     = google_cloudbuild_trigger.apply[0].approval_config[0].approval_required && length(google_cloudbuild_trigger.apply[0].repository_event_config) == 0
    error_message = "What is applied was approved, and nothing but a request for it starts it."
  }
  assert {
    condition     = google_cloudbuild_trigger.pull_request[0].service_account == google_service_account.checker[0].id && google_cloudbuild_trigger.pull_request[0].substitutions["_DEPLOY"] == "no"
    error_message = "A pull request runs as an account that may do nothing, and plans nothing."
  }
  assert {
    condition     = google_project_iam_member.checker_logs[0].role == "roles/logging.logWriter" && alltrue([for grant in google_storage_bucket_iam_member.function : grant.member != google_service_account.checker[0].member])
    error_message = "That account writes logs."
  }
  assert {
    condition     = google_cloudbuild_trigger.pull_request[0].repository_event_config[0].pull_request[0].comment_control == "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY"
    error_message = "A stranger's pull request runs nothing until somebody says so."
  }
  assert {
    condition     = google_cloudbuild_trigger.plan[0].service_account == "projects/shop-studio/serviceAccounts/deployer@shop-studio.iam.gserviceaccount.com" && google_cloudbuild_trigger.plan[0].substitutions["_APPLY_TRIGGER"] == google_cloudbuild_trigger.apply[0].name
    error_message = "The deployer plans, and asks the trigger that is there."
  }
}

run "a_repository_by_half_its_name" {
  command = plan

  variables {
    delivery = { repository = "shop/studio", deployer = "deployer@shop-studio.iam.gserviceaccount.com", state_bucket = "shop-state" }
  }

  expect_failures = [var.delivery]
}

run "a_person_as_deployer" {
  command = plan

  variables {
    delivery = { repository = "projects/p/locations/l/connections/c/repositories/r", deployer = "me@example.com", state_bucket = "shop-state" }
  }

  expect_failures = [var.delivery]
}

run "no_repository" {
  command = plan

  assert {
    condition     = length(google_cloudbuild_trigger.apply) + length(google_cloudbuild_trigger.plan) + length(google_cloudbuild_trigger.pull_request) == 0
    error_message = "Without a repository there are no triggers."
  }
}
