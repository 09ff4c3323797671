using System.Text;
using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;

namespace FineTuneService.Evaluations;

/// <summary>Keeps answers of evaluations, within what a tenant may store.</summary>
internal sealed class EvaluationStore(FineTuneDbContext db, StoredBytes stored)
{
    /// <returns>The answer as it is kept; where there is no room, with a warning that it is not.</returns>
    public async Task<EvaluationBody> Add(EvaluationBody answer, string tenant)
    {
        string body = JsonSerializer.Serialize(answer, Json.Options);
        long bytes = Encoding.UTF8.GetByteCount(body);
        string? full = await db.InTransaction(async () =>
        {
            if (await stored.Refusal(tenant, bytes) is { } refusal) return refusal;
            db.Evaluations.Add(new StoredEvaluation { Id = answer.Id, TenantId = tenant, Body = body, Bytes = bytes, CreatedAt = answer.CreatedAt });
            await db.SaveChangesAsync();
            return null;
        });
        return full is null ? answer : answer with { Warnings = [.. answer.Warnings, $"This evaluation is not kept. {full}"] };
    }

    /// <summary>The answer as it was given, by whichever version.</summary>
    public static JsonElement Body(StoredEvaluation row) => JsonSerializer.Deserialize<JsonElement>(row.Body);
}
