namespace FineTuneService.Tests.Data;

/// <summary>
/// What the first builds wrote into a new data directory, word for word. It never changes: data directories that hold it go on opening.
/// </summary>
internal static class FirstSchema
{
    public const string Sql = """
        CREATE TABLE tenants (
            "Number" INTEGER NOT NULL CONSTRAINT PK_tenants PRIMARY KEY AUTOINCREMENT,
            "Id" TEXT NOT NULL,
            "Name" TEXT NOT NULL,
            "CreatedAt" INTEGER NOT NULL);
        CREATE UNIQUE INDEX IX_tenants_Id ON tenants ("Id");

        CREATE TABLE api_keys (
            "Number" INTEGER NOT NULL CONSTRAINT PK_api_keys PRIMARY KEY AUTOINCREMENT,
            "Id" TEXT NOT NULL,
            "TenantId" TEXT NOT NULL,
            "Name" TEXT NOT NULL,
            "Hash" TEXT NOT NULL,
            "CreatedAt" INTEGER NOT NULL,
            "RevokedAt" INTEGER NULL);
        CREATE UNIQUE INDEX IX_api_keys_Id ON api_keys ("Id");
        CREATE UNIQUE INDEX IX_api_keys_Hash ON api_keys ("Hash");

        CREATE TABLE files (
            "Number" INTEGER NOT NULL CONSTRAINT PK_files PRIMARY KEY AUTOINCREMENT,
            "Id" TEXT NOT NULL,
            "TenantId" TEXT NOT NULL,
            "Filename" TEXT NOT NULL,
            "Purpose" TEXT NOT NULL,
            "Bytes" INTEGER NOT NULL,
            "Sha256" TEXT NOT NULL,
            "CreatedAt" INTEGER NOT NULL);
        CREATE UNIQUE INDEX IX_files_Id ON files ("Id");

        CREATE TABLE jobs (
            "Number" INTEGER NOT NULL CONSTRAINT PK_jobs PRIMARY KEY AUTOINCREMENT,
            "Id" TEXT NOT NULL,
            "TenantId" TEXT NOT NULL,
            "Status" TEXT NOT NULL,
            "Model" TEXT NOT NULL,
            "TrainingFile" TEXT NOT NULL,
            "ValidationFile" TEXT NULL,
            "Suffix" TEXT NULL,
            "Settings" TEXT NOT NULL,
            "Metadata" TEXT NULL,
            "ClaimId" TEXT NULL,
            "ClaimExpiresAt" INTEGER NOT NULL,
            "CancelRequested" INTEGER NOT NULL,
            "FineTunedModel" TEXT NULL,
            "TrainedTokens" INTEGER NULL,
            "Error" TEXT NULL,
            "Warnings" TEXT NULL,
            "Step" INTEGER NOT NULL,
            "TotalSteps" INTEGER NULL,
            "Epoch" REAL NULL,
            "TrainLoss" REAL NULL,
            "ValidationLoss" REAL NULL,
            "TraceParent" TEXT NULL,
            "CreatedAt" INTEGER NOT NULL,
            "StartedAt" INTEGER NULL,
            "FinishedAt" INTEGER NULL);
        CREATE UNIQUE INDEX IX_jobs_Id ON jobs ("Id");
        CREATE INDEX IX_jobs_Status ON jobs ("Status");

        CREATE TABLE job_events (
            "Number" INTEGER NOT NULL CONSTRAINT PK_job_events PRIMARY KEY AUTOINCREMENT,
            "Id" TEXT NOT NULL,
            "TenantId" TEXT NOT NULL,
            "JobId" TEXT NOT NULL,
            "Level" TEXT NOT NULL,
            "Type" TEXT NOT NULL,
            "Message" TEXT NOT NULL,
            "Data" TEXT NULL,
            "CreatedAt" INTEGER NOT NULL);
        CREATE UNIQUE INDEX IX_job_events_Id ON job_events ("Id");
        CREATE INDEX IX_job_events_JobId ON job_events ("JobId");

        CREATE TABLE checkpoints (
            "Number" INTEGER NOT NULL CONSTRAINT PK_checkpoints PRIMARY KEY AUTOINCREMENT,
            "Id" TEXT NOT NULL,
            "TenantId" TEXT NOT NULL,
            "JobId" TEXT NOT NULL,
            "Step" INTEGER NOT NULL,
            "TrainLoss" REAL NULL,
            "ValidationLoss" REAL NULL,
            "CreatedAt" INTEGER NOT NULL);
        CREATE UNIQUE INDEX IX_checkpoints_Id ON checkpoints ("Id");
        CREATE INDEX IX_checkpoints_JobId ON checkpoints ("JobId");

        CREATE TABLE adapters (
            "Number" INTEGER NOT NULL CONSTRAINT PK_adapters PRIMARY KEY AUTOINCREMENT,
            "Id" TEXT NOT NULL,
            "TenantId" TEXT NOT NULL,
            "Model" TEXT NOT NULL,
            "BaseModel" TEXT NOT NULL,
            "Precision" TEXT NOT NULL,
            "Folder" TEXT NOT NULL,
            "Bytes" INTEGER NOT NULL,
            "Rank" INTEGER NOT NULL,
            "Alpha" REAL NOT NULL,
            "JobId" TEXT NULL,
            "TrainingFile" TEXT NULL,
            "Step" INTEGER NULL,
            "CreatedAt" INTEGER NOT NULL);
        CREATE UNIQUE INDEX IX_adapters_Id ON adapters ("Id");
        CREATE UNIQUE INDEX IX_adapters_Model ON adapters ("Model");

        CREATE TABLE models (
            "Number" INTEGER NOT NULL CONSTRAINT PK_models PRIMARY KEY AUTOINCREMENT,
            "Id" TEXT NOT NULL,
            "TenantId" TEXT NOT NULL,
            "Folder" TEXT NOT NULL,
            "AdapterId" TEXT NULL,
            "CreatedAt" INTEGER NOT NULL);
        CREATE UNIQUE INDEX IX_models_Id ON models ("Id");

        CREATE TABLE "__EFMigrationsHistory" (
            "MigrationId" TEXT NOT NULL CONSTRAINT "PK___EFMigrationsHistory" PRIMARY KEY,
            "ProductVersion" TEXT NOT NULL);
        INSERT INTO "__EFMigrationsHistory" VALUES ('20261125000000_Initial', '10.0.14');
        """;
}
