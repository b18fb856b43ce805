# What one instance of each kind of function is made of, and how many there may be.
#
# Measured by `python -m bench.sizing` in an environment of requirements.txt alone (one thread of a
# shared cloud machine, Python 3.11, November 2026): CPU seconds of a request, and the megabytes it
# adds to an idle function's 90 (140 with the model's library).  "render" is what is left to do here
# when the model has answered; "fallback" is the embedded engine, which only follows a refused render.
#
#                          12 megapixels       24 megapixels       24, written as AVIF
#     detect               0.9 s    150 MB      1.3 s    230 MB
#     cutout, render       2.0 s    230 MB      3.1 s    430 MB    1020 MB
#     cutout, fallback     3.6 s    370 MB      4.5 s    430 MB    1020 MB
#     erase                2.1 s    240 MB      4.4 s    440 MB    1130 MB
#     expand, render       1.7 s    260 MB      3.5 s    430 MB    2330 MB   (a quarter more on each side)
#     expand, fallback     3.9 s    600 MB      4.5 s    630 MB    2170 MB
#     pipeline             5.0 s    660 MB      8.2 s    730 MB              (erase, then expand; fallback)
#
# Memory is for the largest picture that is let in (limits.max_megapixels = 24): as many as there are
# requests at a time, of which one may be written as AVIF, whose encoder takes most of all.
#     detect    140 + 2 x 230                 = 0.6 GB  -> 1 GiB
#     cutout    140 + 2 x 430 + 1020          = 2.0 GB  -> 3 GiB
#     erase     140 + 2 x 440 + 1130          = 2.2 GB  -> 3 GiB
#     expand    140 + 630 + 2330              = 3.1 GB  -> 4 GiB
#     pipeline  140 + 730 + 2330              = 3.2 GB  -> 4 GiB
#     check     as detect, whose search for writing it shares
#     sweep     140 + 730 + 2330: two inputs at a time, of any operation = 3.2 GB -> 4 GiB
# More megapixels need more memory in proportion: at 50, twice as much, or half as many at a time.
# The embedded engine's weights, where they are installed, add 40 MB to a cutout, 190 MB to a detection.
#
# CPU: the operations are measured on one thread, and most of a request's time is waiting for the
# model (20 s, by second-hand reports), so that one CPU serves the requests of an instance in turn.

variable "sizes" {
  description = "CPU, memory (MiB), seconds, requests at a time and most instances of each kind of function. Without max_instances, as many as use up model_pictures_a_minute."
  type = map(object({
    cpu           = number
    memory_mib    = number
    timeout       = number
    concurrency   = number
    max_instances = optional(number)
  }))
  default = {
    detect   = { cpu = 1, memory_mib = 1024, timeout = 300, concurrency = 2 }
    cutout   = { cpu = 1, memory_mib = 3072, timeout = 540, concurrency = 3 }
    erase    = { cpu = 1, memory_mib = 3072, timeout = 540, concurrency = 3 }
    expand   = { cpu = 1, memory_mib = 4096, timeout = 540, concurrency = 2 }
    pipeline = { cpu = 1, memory_mib = 4096, timeout = 540, concurrency = 2 }
    check    = { cpu = 1, memory_mib = 1024, timeout = 300, concurrency = 2 }
    sweep    = { cpu = 1, memory_mib = 4096, timeout = 540, concurrency = 1, max_instances = 1 }
    light    = { cpu = 1, memory_mib = 512, timeout = 60, concurrency = 16, max_instances = 5 }
  }

  validation {
    condition     = alltrue([for kind in ["detect", "cutout", "erase", "expand", "pipeline", "check", "sweep", "light"] : contains(keys(var.sizes), kind)])
    error_message = "sizes has to say all of them: detect, cutout, erase, expand, pipeline, check, sweep and light."
  }
  validation {
    condition     = alltrue([for size in var.sizes : contains([1, 2, 4, 8], size.cpu) && size.memory_mib >= 512 && size.memory_mib <= 32768])
    error_message = "sizes: cpu is 1, 2, 4 or 8, memory_mib 512 to 32768."
  }
  validation {
    # Cloud Run's own rule, which it would tell only at the end of a long build.
    condition     = alltrue([for size in var.sizes : size.memory_mib <= (size.cpu == 1 ? 4096 : size.cpu == 2 ? 8192 : size.cpu == 4 ? 16384 : 32768)])
    error_message = "sizes: one cpu has at most 4096 MiB, two 8192, four 16384, eight 32768."
  }
  validation {
    # Pub/Sub sends a picture again that was not done with in 600 seconds.
    condition     = alltrue([for size in var.sizes : size.timeout >= 10 && size.timeout <= 540])
    error_message = "sizes: timeout is 10 to 540 seconds."
  }
  validation {
    condition     = alltrue([for size in var.sizes : size.concurrency >= 1 && size.concurrency <= 100 && coalesce(size.max_instances, 1) >= 1])
    error_message = "sizes: concurrency is 1 to 100, max_instances at least 1."
  }
}

variable "model_pictures_a_minute" {
  description = "The project's quota at the model: pictures a minute. More instances than it feeds would only be told to wait."
  type        = number
  default     = 60

  validation {
    condition     = var.model_pictures_a_minute >= 1 && floor(var.model_pictures_a_minute) == var.model_pictures_a_minute
    error_message = "model_pictures_a_minute is a whole number, at least 1."
  }
}

variable "model_seconds_a_picture" {
  description = "How long the model takes for a picture; see docs/operations.md for how to measure it."
  type        = number
  default     = 20

  validation {
    condition     = var.model_seconds_a_picture > 0 && var.model_seconds_a_picture <= 120
    error_message = "model_seconds_a_picture is above 0 and at most 120."
  }
}

locals {
  # As many instances as keep the quota busy while each request waits for its picture.
  instances = {
    for name, size in var.sizes : name => coalesce(
      size.max_instances,
      ceil(var.model_pictures_a_minute / (size.concurrency * 60 / var.model_seconds_a_picture)),
    )
  }

  # The pace of one instance is its share of the quota, so that all of them keep to it together.
  sizes = {
    for name, size in var.sizes : name => merge(size, {
      max_instances   = local.instances[name]
      images_a_minute = ceil(var.model_pictures_a_minute / local.instances[name])
    })
  }
}
