using FineTuneService.Files;
using FineTuneService.Hosting;

namespace FineTuneService.Batches;

/// <summary>Swagger UI's examples of batches.</summary>
internal static class BatchExamples
{
    public static readonly CreateBatchRequest Create = new() { InputFileId = FileExamples.File.Id, Endpoint = "/v1/chat/completions", CompletionWindow = "24h" };

    public static readonly BatchBody Created = new()
    {
        Id = "batch-1q3w5e7r9t1y3u5i7o9p1a3s",
        Endpoint = Create.Endpoint,
        InputFileId = Create.InputFileId,
        Status = BatchStatus.Validating,
        CreatedAt = 1764000800,
        ExpiresAt = 1764087200,
        RequestCounts = new BatchCounts(0, 0, 0),
        Usage = new BatchUsage(0, 0),
    };

    public static readonly BatchBody Completed = Created with
    {
        Status = BatchStatus.Completed,
        OutputFileId = "file-2w4e6r8t0y2u4i6o8p0a2s4d",
        InProgressAt = 1764000801,
        FinalizingAt = 1764000900,
        CompletedAt = 1764000901,
        RequestCounts = new BatchCounts(200, 200, 0),
        Usage = new BatchUsage(5_400, 2_100),
    };

    public static readonly BatchBody Cancelling = Created with { Status = BatchStatus.Cancelling, CancellingAt = 1764000850 };
    public static readonly Page<BatchBody> Batches = new([Completed], false, Completed.Id, Completed.Id);
}
