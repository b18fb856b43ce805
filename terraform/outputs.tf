output "functions" {
  description = "The HTTP functions' own addresses, for callers with an identity token."
  value       = { for name, _ in local.behind_doors["http"] : name => google_cloudfunctions2_function.this[name].service_config[0].uri }
}

output "buckets" {
  description = "Where to drop pictures, and where results are found."
  value       = { for name in ["input", "work", "output"] : name => "gs://${google_storage_bucket.this[name].name}" }
}

output "release" {
  description = "SHA-256 of the zip that runs; `-var release=` of an earlier one goes back to it."
  value       = coalesce(var.release, local.zip_hash)
}

output "gateway" {
  description = "The address that the domains have to point to, and the domains; null where there is no gateway."
  value       = local.has_gateway ? { address = google_compute_global_address.gateway[0].address, domains = local.domains } : null
}

output "dead_letters" {
  description = "The subscription where dead letters wait for a person."
  value       = google_pubsub_subscription.dead_kept.name
}
