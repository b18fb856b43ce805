terraform {
  required_version = ">= 1.9" # validations that look at a second variable

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.0"
    }
  }

  # Where the state lies is not said here: see backend.tf.example.
}

provider "google" {
  project = var.project_id
  region  = var.region

  # Budgets and quotas are billed to a project; with a person's own credentials it has to be named.
  billing_project       = var.project_id
  user_project_override = true
}

data "google_project" "this" {
  project_id = var.project_id
}

locals {
  number = data.google_project.this.number
  labels = merge(var.labels, { app = var.name })
}
