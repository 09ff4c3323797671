using System.Text;
using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Files;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Batches;

/// <summary>Makes a batch's output and error file of what its lines came to, in the input's order.</summary>
internal sealed class BatchFiles(IServiceScopeFactory scopes, BlobStore blobs, DataDirectory directory)
{
    private const string Purpose = "batch_output";

    /// <param name="left">Lines that have no answer, behind the failed ones.</param>
    /// <returns>Why a file cannot be stored, or null.</returns>
    public async Task<string?> Make(Batch batch, string id, bool errors, IReadOnlyList<BatchOutput> left, CancellationToken cancel)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        if (await db.Files.AnyAsync(row => row.Id == id, cancel)) return null; // Made before a kill.
        string path = Path.Combine(directory.Temporary, $"{Guid.NewGuid():n}.jsonl");
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 81920, FileOptions.DeleteOnClose);
        await using (var writer = new StreamWriter(file, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" })
        {
            await foreach (string line in db.BatchLines.Where(row => row.BatchId == batch.Id && row.IsError == errors).OrderBy(row => row.Line).Select(row => row.Output).AsAsyncEnumerable().WithCancellation(cancel))
                await writer.WriteLineAsync(line);
            foreach (BatchOutput one in left) await writer.WriteLineAsync(JsonSerializer.Serialize(one, Json.Options));
        }
        file.Position = 0;
        using ReceivedBlob blob = await blobs.Receive(file, long.MaxValue, cancel);
        (_, string? refusal) = await scope.ServiceProvider.GetRequiredService<FileStore>()
            .Add(blob, batch.TenantId, $"{batch.Id}_{(errors ? "error" : "output")}.jsonl", Purpose, batch.OutputExpiresAfter, id);
        return refusal;
    }
}
