using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace FineTuneService.Data;

/// <summary>
/// The context that `dotnet ef` asks for. Without it the tool would start the service to find one: a data directory, an admin's key and
/// a device's thread, only to read the model. The connection is never opened.
/// </summary>
internal sealed class DesignTime : IDesignTimeDbContextFactory<FineTuneDbContext>
{
    public FineTuneDbContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<FineTuneDbContext>().UseSqlite("Data Source=:memory:").Options, new CurrentTenant());
}
