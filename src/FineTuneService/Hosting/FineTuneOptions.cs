using System.ComponentModel.DataAnnotations;
using FineTuneService.Hub;
using FineTuneService.Integrations;

namespace FineTuneService.Hosting;

/// <summary>Every option of the service: section FineTune of appsettings.json, or FineTune__Name in the environment.</summary>
public sealed class FineTuneOptions
{
    public const string Section = "FineTune";

    /// <summary>Where the database and all blobs are. One service uses it at a time.</summary>
    [Required(ErrorMessage = "FineTune:DataDirectory is empty; name a folder that the service may write to.")]
    public string DataDirectory { get; set; } = "data";

    /// <summary>The admin's key, which opens everything: at least 16 characters. Empty: one is made on first start and printed once.</summary>
    [RegularExpression("(?s).{16,}", ErrorMessage = "FineTune:AdminKey is shorter than 16 characters and could be guessed; choose a longer one, or leave it empty to have one made.")]
    public string AdminKey { get; set; } = "";

    /// <summary>Largest upload, in bytes.</summary>
    [Range(1, long.MaxValue, ErrorMessage = "FineTune:MaxUploadBytes must be 1 or more.")]
    public long MaxUploadBytes { get; set; } = 512L * 1024 * 1024;

    /// <summary>Largest body that is not an upload, in bytes.</summary>
    [Range(1, int.MaxValue, ErrorMessage = "FineTune:MaxBodyBytes must be 1 to 2147483647.")]
    public long MaxBodyBytes { get; set; } = 32L * 1024 * 1024;

    /// <summary>What a tenant may store, in bytes: its files, adapters, evaluations and merged models.</summary>
    [Range(1, long.MaxValue, ErrorMessage = "FineTune:MaxStoredBytes must be 1 or more.")]
    public long MaxStoredBytes { get; set; } = 20L * 1024 * 1024 * 1024;

    /// <summary>
    /// Free bytes of the disk that uploads, checkpoints, adapters and merged models leave to the database; on a small disk a tenth of it.
    /// </summary>
    [Range(0, long.MaxValue, ErrorMessage = "FineTune:DiskReserveBytes must be 0 or more.")]
    public long DiskReserveBytes { get; set; } = 256L * 1024 * 1024;

    /// <summary>Calls of a tenant a minute, of any kind, where it has no quota of its own; more get 429.</summary>
    [Range(1, int.MaxValue, ErrorMessage = "FineTune:RequestsPerMinute must be 1 to 2147483647.")]
    public int RequestsPerMinute { get; set; } = 100_000;

    /// <summary>Tokens of a tenant's prompts and answers a minute, where it has no quota of its own.</summary>
    [Range(1, long.MaxValue, ErrorMessage = "FineTune:TokensPerMinute must be 1 or more.")]
    public long TokensPerMinute { get; set; } = 100_000_000;

    /// <summary>Requests that may be under way or wait, a tenant's own at most half of them; one more gets 503.</summary>
    [Range(1, 100_000, ErrorMessage = "FineTune:MaxWaitingRequests must be 1 to 100000.")]
    public int MaxWaitingRequests { get; set; } = 256;

    /// <summary>Rows of a file that an evaluation takes: its answer waits until all have gone through every model.</summary>
    [Range(1, 1_000_000, ErrorMessage = "FineTune:MaxEvaluationRows must be 1 to 1000000.")]
    public int MaxEvaluationRows { get; set; } = 2000;

    /// <summary>
    /// Folder with the data of evaluation tasks, as their repositories have it: truthfulqa/mc_task.json, blimp/PARADIGM.jsonl,
    /// mmlu/test/SUBJECT_test.csv and mmlu/dev, gpt3-arithmetic, gsm8k. Empty: tasks need files that are uploaded.
    /// </summary>
    public string TaskDataDirectory { get; set; } = "";

    /// <summary>Answers that are decoded together on one base.</summary>
    [Range(1, 256, ErrorMessage = "FineTune:MaxBatchRows must be 1 to 256.")]
    public int MaxBatchRows { get; set; } = 16;

    /// <summary>Adapters that are loaded at once, in use or not; a request for one more waits.</summary>
    [Range(1, 100_000, ErrorMessage = "FineTune:MaxResidentAdapters must be 1 to 100000.")]
    public int MaxResidentAdapters { get; set; } = 64;

    /// <summary>Adapters of a tenant that may be pinned; all tenants together have half of the places for adapters.</summary>
    [Range(0, 100_000, ErrorMessage = "FineTune:MaxPinnedAdapters must be 0 to 100000.")]
    public int MaxPinnedAdapters { get; set; } = 4;

    /// <summary>Share of the device's time that a running job keeps however many requests come; the requests have the rest.</summary>
    [Range(0, 0.9, ErrorMessage = "FineTune:TrainingShare must be 0 to 0.9.")]
    public double TrainingShare { get; set; } = 0.2;

    /// <summary>Seconds after which a job whose worker has gone silent may be claimed again.</summary>
    [Range(2, 3600, ErrorMessage = "FineTune:ClaimSeconds must be 2 to 3600.")]
    public int ClaimSeconds { get; set; } = 60;

    /// <summary>Jobs of a tenant that have not ended; one more gets 429.</summary>
    [Range(1, 1_000_000, ErrorMessage = "FineTune:MaxQueuedJobs must be 1 to 1000000.")]
    public int MaxQueuedJobs { get; set; } = 100;

    /// <summary>Optimizer steps of a job.</summary>
    [Range(1, int.MaxValue, ErrorMessage = "FineTune:MaxJobSteps must be 1 to 2147483647.")]
    public int MaxJobSteps { get; set; } = 1_000_000;

    /// <summary>Bytes of the device's memory that the service may use. 0: three quarters of what the machine has.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "FineTune:DeviceMemory must be 0 or more.")]
    public long DeviceMemory { get; set; }

    internal long DeviceBytes => DeviceMemory > 0 ? DeviceMemory : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3;

    /// <summary>Webhooks may be sent to addresses of this machine and of private networks; for receivers beside the service.</summary>
    public bool AllowPrivateWebhooks { get; set; }

    /// <summary>Where bases are downloaded from.</summary>
    public HubOptions Hub { get; set; } = new();

    /// <summary>Where jobs with an mlflow integration are told.</summary>
    public MlflowOptions Mlflow { get; set; } = new();

    /// <summary>Seconds that a start waits for a database that another process holds.</summary>
    [Range(0, 3600, ErrorMessage = "FineTune:DatabaseWaitSeconds must be 0 to 3600.")]
    public int DatabaseWaitSeconds { get; set; } = 60;
}
