using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace OrleansInference.Abstractions.Tests;

/// <summary>
/// The types that two processes exchange, which may be of two builds while a cluster is upgraded. They lie in the repository for reviewers to see them change: members may be
/// added with a new id, and nothing else.
/// </summary>
public sealed class WireTypeTests
{
    /// <summary>Set to 1, the file is written instead of compared.</summary>
    private const string Switch = "UPDATE_WIRE_TYPES";

    [Fact]
    public void The_types_are_those_in_the_repository()
    {
        var text = Describe(typeof(InferenceRequest).Assembly);
        var file = Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../src/OrleansInference.Abstractions/WireTypes.txt");

        if (Environment.GetEnvironmentVariable(Switch) == "1") File.WriteAllText(file, text);

        Assert.True(
            text == File.ReadAllText(file),
            $"The types and WireTypes.txt differ. If something was only added, run this test with {Switch}=1 and commit the file.");
    }

    [Fact]
    public void Every_type_has_a_name_of_its_own_that_does_not_depend_on_the_code()
    {
        var types = Serialized(typeof(InferenceRequest).Assembly).ToList();

        Assert.NotEmpty(types);
        Assert.All(types, type => Assert.NotNull(type.GetCustomAttribute<AliasAttribute>()));
        Assert.Equal(types.Count, types.Select(NameOf).Distinct().Count());
        Assert.All(types, type => Assert.Equal(MembersOf(type).Count(), MembersOf(type).DistinctBy(member => member.Id).Count()));
    }

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in Serialized(assembly).OrderBy(NameOf, StringComparer.Ordinal))
        {
            text.Append(NameOf(type)).Append('\n');
            foreach (var (id, name, member) in MembersOf(type).OrderBy(member => member.Id)) text.Append($"  {id} {name}: {Show(member)}\n");
        }

        foreach (var type in assembly.GetExportedTypes().Where(type => type.IsEnum).OrderBy(type => type.Name, StringComparer.Ordinal))
        {
            text.Append($"enum {type.Name}\n");
            foreach (var value in Enum.GetValues(type)) text.Append($"  {Convert.ToInt64(value, null)} {value}\n");
        }

        return text.ToString();
    }

    private static IEnumerable<Type> Serialized(Assembly assembly) =>
        assembly.GetTypes().Where(type =>
            type.GetCustomAttribute<GenerateSerializerAttribute>() is not null && type.GetCustomAttribute<CompilerGeneratedAttribute>() is null &&
            type.Namespace!.StartsWith(nameof(OrleansInference), StringComparison.Ordinal));

    private static string NameOf(Type type) => type.GetCustomAttribute<AliasAttribute>()?.Alias ?? type.FullName!;

    private static IEnumerable<(uint Id, string Name, Type Type)> MembersOf(Type type)
    {
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var fields = type.GetFields(All).Select(field => (field.GetCustomAttribute<IdAttribute>()?.Id, field.Name, field.FieldType));
        var properties = type.GetProperties(All).Select(property => (property.GetCustomAttribute<IdAttribute>()?.Id, property.Name, property.PropertyType));
        return fields.Concat(properties).Where(member => member.Id is not null).Select(member => (member.Id!.Value, member.Name, member.Item3));
    }

    private static string Show(Type type) => type.IsGenericType
        ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(Show))}>"
        : type.Name;

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
