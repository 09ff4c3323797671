using FineTuneService.Models;
using FineTuneService.Tenants;

namespace FineTuneService.Usage;

/// <summary>Swagger UI's example of usage.</summary>
internal static class UsageExamples
{
    public static readonly UsageBody Usage = new("usage", "2026-11-01", "2026-11-30",
        [
            new UsageRow("acme", "2026-11-29", ModelExamples.Tuned, TenantExamples.Key.Id, 1200, 60_210, 24_033, 0, 0),
            new UsageRow("acme", "2026-11-29", "talers-2m", TenantExamples.Key.Id, 0, 0, 0, 36_840, 12_806),
        ],
        [new StoredRow("acme", "2026-11-29", 1_102_320)], new UsageTotal(1200, 60_210, 24_033, 36_840, 12_806));
}
