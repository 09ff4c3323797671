using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Adapters;

/// <summary>The body of POST /v1/adapters/{id}/merge.</summary>
/// <param name="Suffix">Becomes part of the merged model's name.</param>
public sealed record MergeRequest(string? Suffix = null);

/// <summary>An adapter and its base as a model of its own.</summary>
internal static class AdapterMerging
{
    public static void MapMerge(this IEndpointRouteBuilder adapters) =>
        adapters.MapPost("/{id}/merge", Merge).WithSummary("Fold an adapter into its base: a model of its own").Takes(AdapterExamples.Merge).Answers(ModelExamples.Merged);

    private static async Task<IResult> Merge(
        string id, MergeRequest? body, FineTuneDbContext db, CurrentTenant tenant, ModelCatalog catalog, DataDirectory directory, ModelTexts texts,
        ModelAccess access, DeviceLease lease, DiskSpace disk, StoredBytes stored, TimeProvider clock, CancellationToken cancel)
    {
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } adapter) return Errors.NotFound("adapter", id);
        if (body?.Suffix is { } suffix && !Ids.IsSuffix(suffix)) return Errors.BadRequest(Ids.SuffixRule + ".", param: "suffix");
        if (adapter.Rank == AdapterEntry.NoRank)
            return Errors.BadRequest("A LLaMA-Adapter cannot be merged: its prompts are no part of any weight. Use it by its name, as it is.", "cannot_merge");
        if (await catalog.Find(adapter.Model, null, cancel) is not { } served) return Errors.ModelNotFound(adapter.BaseModel);
        var asked = new AskedModel(await Task.Run(() => texts.Of(served.Folder), cancel), served.Precision, adapter.Id, adapter.Folder);
        long bytes = asked.Text.Config.ParameterCount * (served.Precision.Dtype == ComputeDtype.Fp32 ? 4 : 2);
        disk.Require(bytes);
        if (await stored.Refusal(tenant.Id, bytes) is { } tooMuch) return Errors.Make(413, tooMuch, "storage_limit_exceeded");
        using Phases.Under phase = Phases.Enter(Phase.Merge);
        string temporary = directory.NewTemporaryFolder(), home = Path.Combine(directory.Merged, Ids.New("merged"));
        bool saved = false;
        try
        {
            (_, NoRoom? full) = await access.Run(asked, "a merge", tenant.Id, use =>
            {
                using (use) AdapterMerge.Save(use.Model.Base, use.Adapter!.Adapter, temporary, served.Precision.Dtype, lease.Breathe);
                return true;
            }, CancellationToken.None);
            if (full is not null) return Errors.Busy(full.Message);
            AdapterChatTemplate.CopyTo(temporary, adapter.Folder);
            string prompt = Path.Combine(adapter.Folder, "prompt_template.json");
            if (File.Exists(prompt)) File.Copy(prompt, Path.Combine(temporary, Path.GetFileName(prompt)), overwrite: true);
            Durable.MoveFolder(temporary, home);
            var entry = new ModelEntry
            {
                Id = $"{adapter.Model}:{body?.Suffix ?? "merged"}:{Path.GetFileName(home)[7..15]}",
                TenantId = tenant.Id,
                Folder = home,
                AdapterId = adapter.Id,
                CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
            };
            db.Models.Add(entry);
            await db.SaveChangesAsync(CancellationToken.None);
            saved = true;
            return Results.Ok(ModelsApi.Body(entry));
        }
        catch (Exception failure) when (failure is AdapterException or TensorFileException or IOException && !db.Adapters.Any(row => row.Id == id))
        {
            return Errors.NotFound("adapter", id); // Deleted meanwhile.
        }
        finally
        {
            Durable.Remove(temporary);
            if (!saved) Durable.Remove(home);
        }
    }
}
