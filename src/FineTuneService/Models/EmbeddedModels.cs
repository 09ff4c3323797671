using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Models;

/// <summary>The base models that come with the service: every folder of BaseModel beside the program, by its name.</summary>
internal static class EmbeddedModels
{
    public static string Root => Path.Combine(AppContext.BaseDirectory, "BaseModel");

    /// <summary>Registers what is new, and where this build keeps what is known: the program may have moved.</summary>
    public static void Register(FineTuneDbContext db, TimeProvider clock)
    {
        if (!Directory.Exists(Root)) return;
        foreach (string folder in Directory.EnumerateDirectories(Root).Where(folder => File.Exists(Path.Combine(folder, "config.json"))))
        {
            string name = Path.GetFileName(folder);
            if (db.Models.IgnoreQueryFilters().FirstOrDefault(row => row.Id == name) is { } known) known.Folder = folder;
            else db.Models.Add(new ModelEntry { Id = name, TenantId = "", Folder = folder, CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds() });
        }
        db.SaveChanges();
    }
}
