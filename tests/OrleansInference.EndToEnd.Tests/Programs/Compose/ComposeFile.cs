using System.Reflection;

using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace OrleansInference.EndToEnd.Tests.Programs.Compose;

/// <summary>What <c>docker-compose.yml</c> says. A key that is not here cannot be read, since nobody would know whether it is right.</summary>
internal sealed class ComposeFile
{
    public string Name { get; set; } = "";

    public Dictionary<string, ComposeService> Services { get; set; } = [];

    public Dictionary<string, object?> Volumes { get; set; } = [];

    /// <summary>What its services share; it is read where they name it.</summary>
    [YamlMember(Alias = "x-environment", ApplyNamingConventions = false)]
    public Dictionary<string, string>? SharedEnvironment { get; set; }

    [YamlMember(Alias = "x-health", ApplyNamingConventions = false)]
    public ComposeHealthCheck? SharedHealthCheck { get; set; }

    [YamlMember(Alias = "x-silo", ApplyNamingConventions = false)]
    public ComposeService? SharedSilo { get; set; }

    /// <summary>The file's folder, from which its paths are meant.</summary>
    [YamlIgnore]
    public string Folder { get; private set; } = "";

    /// <summary>Reads the repository's file.</summary>
    public static ComposeFile Read()
    {
        var path = typeof(ComposeFile).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "docker-compose.yml").Value!;
        using var reader = File.OpenText(path);
        var file = new DeserializerBuilder().WithNamingConvention(UnderscoredNamingConvention.Instance).Build()
            .Deserialize<ComposeFile>(new MergingParser(new Parser(reader)));
        file.Folder = Path.GetDirectoryName(path)!;
        return file;
    }
}

internal sealed class ComposeService
{
    public string Image { get; set; } = "";

    public ComposeBuild? Build { get; set; }

    public List<string> Command { get; set; } = [];

    public Dictionary<string, string> Environment { get; set; } = [];

    public List<string> Ports { get; set; } = [];

    public List<string> Volumes { get; set; } = [];

    public Dictionary<string, ComposeDependency> DependsOn { get; set; } = [];

    public ComposeHealthCheck Healthcheck { get; set; } = new();

    public string Restart { get; set; } = "";

    public string StopGracePeriod { get; set; } = "10s";
}

internal sealed class ComposeBuild
{
    public string Context { get; set; } = "";

    public string Dockerfile { get; set; } = "";
}

internal sealed class ComposeDependency
{
    public string Condition { get; set; } = "";
}

internal sealed class ComposeHealthCheck
{
    public List<string> Test { get; set; } = [];

    public string Interval { get; set; } = "";

    public string Timeout { get; set; } = "";

    public string StartPeriod { get; set; } = "";
}
