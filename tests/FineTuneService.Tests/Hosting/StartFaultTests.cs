using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using FineTuneService.Hosting;
using Microsoft.Data.Sqlite;

namespace FineTuneService.Tests.Hosting;

/// <summary>What an operator sees of a service that cannot start.</summary>
[Waits]
public sealed class StartFaultTests : IDisposable
{
    private readonly DataFolder _data = new();

    private string DatabasePath => Path.Combine(_data.Path, "finetune.db");

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData("FineTune__MaxUploadBytes", "abc", "FineTune:MaxUploadBytes is 'abc', which is not a whole number")]
    [InlineData("FineTune__MaxUploadBytes", "0", "FineTune:MaxUploadBytes")]
    [InlineData("FineTune__TrainingShare", "0,2", "FineTune:TrainingShare is '0,2', which is not a number")]
    [InlineData("FineTune__TrainingShare", "NaN", "FineTune:TrainingShare")]
    [InlineData("FineTune__ClaimSeconds", "99999999999", "FineTune:ClaimSeconds")]
    [InlineData("FineTune__MaxUplodBytes", "1", "There is no option FineTune:MaxUplodBytes")]
    [InlineData("FineTune__AdminKey", "fifteen-letters", "FineTune:AdminKey is shorter than 16 characters")]
    [InlineData("FineTune__DataDirectory", "", "FineTune:DataDirectory is empty")]
    [InlineData("FineTune__DataDirectory", "/proc/finetune", "/proc/finetune cannot be written to")]
    [InlineData("Logging__LogLevel__Default", "Loud", "Logging:LogLevel has the value 'Loud'")]
    [InlineData("ASPNETCORE_URLS", "http//x", "ASPNETCORE_URLS")]
    [InlineData("ASPNETCORE_URLS", "http://127.0.0.1:0/path", "an address has no path")]
    [InlineData("ASPNETCORE_URLS", "https://127.0.0.1:0", "ASPNETCORE_URLS")]
    [InlineData("ASPNETCORE_URLS", "ftp://127.0.0.1:5000", "ASPNETCORE_URLS")]
    [InlineData("ASPNETCORE_URLS", "http://127.0.0.1:99999", "ASPNETCORE_URLS")]
    [InlineData("ASPNETCORE_URLS", "http://203.0.113.7:5000", "ASPNETCORE_URLS")]
    public async Task Start_WrongValue_SaysWhichOption(string name, string value, string expected) =>
        Assert.Contains(expected, await FailedStart.Sentence(_data.Path, (name, value)));

    [Fact]
    public void Options_EachWithAValueThatItCannotHave_SaysASentenceThatNamesIt()
    {
        var options = new FineTuneOptions { DataDirectory = "", AdminKey = "short", Hub = new() { Endpoint = "huggingface.co", MaxBytes = 0 }, Mlflow = new() { TrackingUri = "http://user:word@mlflow", Token = "a b", User = "a:b", Experiment = "" } };
        PropertyInfo[] ranged = [.. typeof(FineTuneOptions).GetProperties().Where(option => option.GetCustomAttribute<RangeAttribute>() is not null)];
        foreach (PropertyInfo option in ranged) option.SetValue(options, Convert.ChangeType(-1, option.PropertyType, System.Globalization.CultureInfo.InvariantCulture));
        string[] said = [.. new OptionRules().Validate(null, options).Failures!];
        Assert.Equal(ranged.Length + 8, said.Length);
        Assert.All(said, sentence => Assert.Matches("^FineTune:[A-Za-z:]+ (is|has|must) [^'\"]+\\.$", sentence));
        Assert.True(new OptionRules().Validate(null, new FineTuneOptions()).Succeeded);
    }

    [Fact]
    public async Task Start_TwoWrongValues_SaysASentenceForEach() =>
        Assert.Equal("FineTune:MaxUploadBytes must be 1 or more. FineTune:ClaimSeconds must be 2 to 3600.", await FailedStart.Sentence(_data.Path, ("FineTune__MaxUploadBytes", "0"), ("FineTune__ClaimSeconds", "1")));

    [Theory]
    [InlineData("ASPNETCORE_HTTP_PORTS", "abc", "ASPNETCORE_HTTP_PORTS has 'abc', which is not a port")]
    [InlineData("ASPNETCORE_HTTPS_PORTS", "5000;70000", "ASPNETCORE_HTTPS_PORTS has '70000', which is not a port")]
    public async Task Start_WrongPorts_SaysWhichOption(string name, string value, string expected) =>
        Assert.Contains(expected, await FailedStart.Sentence(_data.Path, ("ASPNETCORE_URLS", ""), (name, value)));

    [Fact]
    public async Task Start_PortInUse_SaysSoAndShowsNoKey()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        string address = $"http://127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}";
        Assert.StartsWith($"{address} is in use by another program", await FailedStart.Sentence(_data.Path, ("ASPNETCORE_URLS", address)));
        Assert.False(File.Exists(Path.Combine(_data.Path, "admin-key.sha256")));
    }

    [Fact]
    public async Task Start_UnreadableSettings_NamesTheFile()
    {
        string environment = $"Broken{Guid.NewGuid():n}", path = Path.Combine(AppContext.BaseDirectory, $"appsettings.{environment}.json");
        await File.WriteAllTextAsync(path, "{ \"FineTune\": { \"MaxUploadBytes\": ", TestContext.Current.CancellationToken);
        try
        {
            Assert.Contains($"appsettings.{environment}.json cannot be read", await FailedStart.Sentence(_data.Path, ("ASPNETCORE_ENVIRONMENT", environment)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Start_DataDirectoryIsAFile_SaysSo()
    {
        string file = Path.Combine(_data.Path, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        Assert.Contains("is a file, not a folder", await FailedStart.Sentence(file));
    }

    [Fact]
    public async Task Start_NotADatabase_SaysThatItIsDamaged()
    {
        await File.WriteAllBytesAsync(DatabasePath, [.. Enumerable.Repeat((byte)'x', 8192)], TestContext.Current.CancellationToken);
        Assert.Contains("is damaged; restore it", await FailedStart.Sentence(_data.Path));
    }

    [Fact]
    public async Task Start_DamagedKeyFile_SaysWhatToDelete()
    {
        await File.WriteAllTextAsync(Path.Combine(_data.Path, "admin-key.sha256"), "", TestContext.Current.CancellationToken);
        Assert.Contains("admin-key.sha256 is damaged; delete it", await FailedStart.Sentence(_data.Path));
    }

    [Fact]
    public async Task Start_FolderOfARunningService_SaysThatItIsInUse()
    {
        using var first = new ServiceProcess(_data);
        await first.Address;
        Assert.Contains("Another FineTuneService uses", await FailedStart.Sentence(_data.Path));
        OnlyTheOwnerReads(_data.Path);
        OnlyTheOwnerReads(DatabasePath);
    }

    [Fact]
    public async Task Start_DamagedPages_AreFoundBeforeACustomerMeetsThem()
    {
        await MakeDatabase();
        using (FileStream file = File.OpenWrite(DatabasePath))
        {
            file.Position = 4096 * 2;
            file.Write([.. Enumerable.Repeat((byte)0xA5, 4096 * 4)]);
        }
        Assert.Contains("is damaged; restore it", await FailedStart.Sentence(_data.Path));
    }

    [Fact]
    public async Task Start_DatabaseHeldByAnother_WaitsAndThenSaysSoOrStarts()
    {
        await MakeDatabase();
        using var holder = new SqliteConnection($"Data Source={DatabasePath};Pooling=False");
        holder.Open();
        Execute(holder, "BEGIN IMMEDIATE");
        Assert.Contains("FineTune:DatabaseWaitSeconds", await FailedStart.Sentence(_data.Path, ("FineTune__DatabaseWaitSeconds", "1")));
        using var patient = new ServiceProcess(_data);
        await patient.Logged("Another process holds the database");
        Execute(holder, "ROLLBACK");
        using HttpClient client = await patient.Client(TestService.AdminKey);
        Assert.Equal("ready", (string?)(await client.Get("/readyz"))["status"]);
    }

    [Fact]
    public async Task Start_WithoutAKey_ShowsOneOnceThatWorks()
    {
        using (var first = new ServiceProcess(_data, ("FineTune__AdminKey", "")))
        {
            await first.Logged("Admin key, shown this once: ftsk-");
            await first.Terminate();
        }
        using var second = new ServiceProcess(_data, ("FineTune__AdminKey", ""));
        using HttpClient client = await second.Client("ftsk-guessed");
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/tenants", TestContext.Current.CancellationToken)).StatusCode);
        Assert.False(second.HasLogged("Admin key"));
    }

    private async Task MakeDatabase()
    {
        using var service = new ServiceProcess(_data);
        using HttpClient admin = await service.Client(TestService.AdminKey);
        for (int i = 0; i < 20; i++) await admin.Post("/v1/tenants", new { id = $"tenant-{i}" });
        Assert.Equal(0, await service.Terminate());
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static void OnlyTheOwnerReads(string path)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(path) & others);
    }
}
