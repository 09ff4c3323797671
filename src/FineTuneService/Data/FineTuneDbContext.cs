using FineTuneService.Adapters;
using FineTuneService.Aliases;
using FineTuneService.Batches;
using FineTuneService.Evaluations;
using FineTuneService.Files;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using FineTuneService.Hub;
using FineTuneService.Models;
using FineTuneService.Tenants;
using FineTuneService.Uploads;
using FineTuneService.Usage;
using FineTuneService.Webhooks;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Data;

/// <summary>All rows. The tenant filter is part of every query: another tenant's row does not exist for this scope.</summary>
public sealed class FineTuneDbContext(DbContextOptions<FineTuneDbContext> options, CurrentTenant tenant) : DbContext(options)
{
    public DbSet<Tenant> Tenants => Set<Tenant>();
    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();
    public DbSet<StoredFile> Files => Set<StoredFile>();
    public DbSet<FineTuningJob> Jobs => Set<FineTuningJob>();
    public DbSet<JobEvent> JobEvents => Set<JobEvent>();
    public DbSet<JobCheckpoint> Checkpoints => Set<JobCheckpoint>();
    public DbSet<AdapterEntry> Adapters => Set<AdapterEntry>();
    public DbSet<ModelEntry> Models => Set<ModelEntry>();
    public DbSet<HubDownload> HubDownloads => Set<HubDownload>();
    public DbSet<StoredEvaluation> Evaluations => Set<StoredEvaluation>();
    public DbSet<WebhookEndpoint> WebhookEndpoints => Set<WebhookEndpoint>();
    public DbSet<WebhookDelivery> WebhookDeliveries => Set<WebhookDelivery>();
    public DbSet<Upload> Uploads => Set<Upload>();
    public DbSet<UploadPart> UploadParts => Set<UploadPart>();
    public DbSet<Batch> Batches => Set<Batch>();
    public DbSet<BatchLine> BatchLines => Set<BatchLine>();
    public DbSet<KeptAnswer> KeptAnswers => Set<KeptAnswer>();
    public DbSet<Alias> Aliases => Set<Alias>();
    public DbSet<AliasMove> AliasMoves => Set<AliasMove>();
    public DbSet<UsageDay> UsageDays => Set<UsageDay>();
    public DbSet<StoredDay> StoredDays => Set<StoredDay>();
    public DbSet<DeletedRow> DeletedRows => Set<DeletedRow>();

    /// <summary>Outside of a transaction in its turn, as transactions are.</summary>
    public override async Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        using IDisposable? turn = Database.CurrentTransaction is null ? await WriterTurns.Enter(this) : null;
        return await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
    }

    protected override void OnModelCreating(ModelBuilder model)
    {
        Row<Tenant>(model, "tenants");
        Row<ApiKey>(model, "api_keys");
        Row<StoredFile>(model, "files");
        Row<FineTuningJob>(model, "jobs");
        Row<JobEvent>(model, "job_events");
        Row<JobCheckpoint>(model, "checkpoints");
        Row<AdapterEntry>(model, "adapters");
        Row<ModelEntry>(model, "models");
        Row<HubDownload>(model, "hub_downloads");
        model.Entity<HubDownload>().HasIndex(row => row.Status);
        Row<StoredEvaluation>(model, "evaluations");
        model.Entity<StoredEvaluation>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<StoredEvaluation>().HasIndex(row => row.TenantId);
        model.Entity<ApiKey>().HasIndex(key => key.Hash).IsUnique();
        model.Entity<StoredFile>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<FineTuningJob>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<FineTuningJob>().HasIndex(job => job.Status);
        model.Entity<FineTuningJob>().HasIndex(job => job.TenantId);
        model.Entity<FineTuningJob>().HasIndex(job => job.TrackingDueAt);
        model.Entity<JobEvent>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<JobEvent>().HasIndex(row => row.JobId);
        model.Entity<JobCheckpoint>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<JobCheckpoint>().HasIndex(row => row.JobId);
        model.Entity<AdapterEntry>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<AdapterEntry>().HasIndex(row => row.Model).IsUnique();
        model.Entity<DeletedRow>().ToTable("deleted_rows").HasKey(row => row.Number);
        model.Entity<DeletedRow>().Property(row => row.Number).ValueGeneratedOnAdd();
        model.Entity<DeletedRow>().Property(row => row.Id).IsRequired();
        model.Entity<DeletedRow>().HasIndex(row => new { row.Table, row.Id }).IsUnique();
        model.Entity<DeletedRow>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<DeletedRow>().HasIndex(row => row.DeletedAt);
        Row<WebhookEndpoint>(model, "webhook_endpoints");
        model.Entity<WebhookEndpoint>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        Row<WebhookDelivery>(model, "webhook_deliveries");
        model.Entity<WebhookDelivery>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<WebhookDelivery>().HasIndex(row => row.EndpointId);
        model.Entity<WebhookDelivery>().HasIndex(row => new { row.Status, row.NextAt });
        Row<Upload>(model, "uploads");
        model.Entity<Upload>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        Row<UploadPart>(model, "upload_parts");
        model.Entity<UploadPart>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<UploadPart>().HasIndex(row => row.UploadId);
        Row<Batch>(model, "batches");
        model.Entity<Batch>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<Batch>().HasIndex(row => row.Status);
        Row<BatchLine>(model, "batch_lines");
        model.Entity<BatchLine>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<BatchLine>().HasIndex(row => new { row.BatchId, row.Line }).IsUnique();
        Row<KeptAnswer>(model, "kept_answers");
        model.Entity<KeptAnswer>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<KeptAnswer>().HasIndex(row => new { row.TenantId, row.Key }).IsUnique();
        Row<Alias>(model, "aliases");
        model.Entity<Alias>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<Alias>().HasIndex(row => new { row.TenantId, row.Name }).IsUnique();
        model.Entity<Alias>().HasIndex(row => row.Target);
        Row<AliasMove>(model, "alias_moves");
        model.Entity<AliasMove>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<AliasMove>().HasIndex(row => row.AliasId);
        Row<UsageDay>(model, "usage_days");
        model.Entity<UsageDay>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<UsageDay>().HasIndex(row => new { row.TenantId, row.Day, row.Model, row.KeyId }).IsUnique();
        Row<StoredDay>(model, "stored_days");
        model.Entity<StoredDay>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == tenant.Id);
        model.Entity<StoredDay>().HasIndex(row => new { row.TenantId, row.Day }).IsUnique();
        // One that is being erased is gone to everybody else.
        model.Entity<Tenant>().HasQueryFilter(row => row.DeletedAt == null);
        // A base has no owner: everybody sees it.
        model.Entity<ModelEntry>().HasQueryFilter(row => tenant.IsSystem || row.TenantId == "" || row.TenantId == tenant.Id);
    }

    private static void Row<T>(ModelBuilder model, string table)
        where T : class, IRow
    {
        model.Entity<T>().ToTable(table).HasKey(row => row.Number);
        model.Entity<T>().Property(row => row.Number).ValueGeneratedOnAdd();
        model.Entity<T>().Property(row => row.Id).IsRequired();
        model.Entity<T>().HasIndex(row => row.Id).IsUnique();
    }
}
