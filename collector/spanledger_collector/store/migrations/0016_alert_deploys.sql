-- Versions of the service that were first seen shortly before an alert began, with the time, in words.
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS deploys Array(String);
