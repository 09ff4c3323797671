using System.IO.Compression;
using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using FineTuneService.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Models;

/// <summary>A tenant's own model as a zip of its Hugging Face folder, written while it is sent: it may be larger than memory, or than the free disk.</summary>
internal static class ModelContent
{
    public static async Task<IResult> Download(string id, FineTuneDbContext db, HttpContext context, CancellationToken cancel)
    {
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Model == id, cancel) is { } adapter)
            return Errors.BadRequest($"'{Errors.Clip(id)}' is an adapter; download it with GET /v1/adapters/{adapter.Id}/content.", "not_a_merged_model");
        if (await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } entry) return Errors.ModelNotFound(id);
        if (entry.TenantId.Length == 0) return Errors.Make(403, $"'{Errors.Clip(id)}' is a base model; only models of your own can be downloaded.", "base_model");
        var files = new List<FileStream>();
        try
        {
            // Opened before anything is sent: what is deleted meanwhile is sent all the same.
            foreach (string path in Directory.EnumerateFiles(entry.Folder).Order(StringComparer.Ordinal)) files.Add(File.OpenRead(path));
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            files.ForEach(file => file.Dispose());
            throw new ModelException("its files are missing");
        }
        // .NET writes the few bytes between a zip's entries synchronously; the entries themselves not.
        if (context.Features.Get<IHttpBodyControlFeature>() is { } control) control.AllowSynchronousIO = true;
        return Results.Stream(body => Pack(files, body, cancel), "application/zip", $"{Path.GetFileName(entry.Folder)}.zip");
    }

    private static async Task Pack(List<FileStream> files, Stream body, CancellationToken cancel)
    {
        try
        {
            await using ZipArchive zip = await ZipArchive.CreateAsync(body, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, cancel);
            foreach (FileStream file in files)
            {
                // Trained numbers hardly shrink.
                await using Stream entry = await zip.CreateEntry(Path.GetFileName(file.Name), CompressionLevel.NoCompression).OpenAsync(cancel);
                await file.CopyToAsync(entry, cancel);
            }
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }
    }
}
