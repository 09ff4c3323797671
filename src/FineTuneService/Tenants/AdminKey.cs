using System.Security.Cryptography;
using System.Text;
using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Tenants;

/// <summary>The admin's key: FineTune:AdminKey, or one that is made on first start and printed once. Only its hash is kept.</summary>
internal sealed class AdminKey
{
    private const int HashLength = 64;

    private readonly byte[] _hash;
    private readonly string _file;
    private string? _made;

    /// <exception cref="StartException">The kept hash is not one.</exception>
    public AdminKey(IOptions<FineTuneOptions> options, DataDirectory directory)
    {
        _file = Path.Combine(directory.Root, "admin-key.sha256");
        if (options.Value.AdminKey.Length > 0)
        {
            _hash = Encoding.ASCII.GetBytes(AccessControl.HashOf(options.Value.AdminKey));
        }
        else if (Path.Exists(_file))
        {
            _hash = File.Exists(_file) ? Encoding.ASCII.GetBytes(File.ReadAllText(_file).Trim()) : [];
            if (_hash.Length != HashLength) throw new StartException($"{_file} is damaged; delete it and a new admin key is made, or set FineTune:AdminKey.");
        }
        else
        {
            _made = NewKey();
            _hash = Encoding.ASCII.GetBytes(AccessControl.HashOf(_made));
        }
    }

    /// <summary>Shows a key that this start has made, and keeps its hash; once the service listens, so that nobody writes down a key of
    /// a service that did not start. It is shown before the file has its name: a process killed in between makes another key, where
    /// the other way round nobody would ever know the one that is kept.</summary>
    public void Show()
    {
        if (_made is not { } key) return;
        Durable.Write(_file, file =>
        {
            file.Write(_hash);
            file.Flush(flushToDisk: true);
            Console.WriteLine($"Admin key, shown this once: {key}");
        });
        _made = null;
    }

    /// <summary>40 random letters and digits after a prefix that secret scanners can know.</summary>
    public static string NewKey() => "ftsk-" + RandomNumberGenerator.GetString("0123456789abcdefghijklmnopqrstuvwxyz", 40);

    /// <summary>In constant time.</summary>
    public bool Matches(string hash) => CryptographicOperations.FixedTimeEquals(_hash, Encoding.ASCII.GetBytes(hash));
}
